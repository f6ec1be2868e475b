"""Have the aerial imagery of a city's cells: tiles of IGN's packs, one image per cell from a
server, or rasters of one's own.

Reads   results/<city>/cells.parquet; data/aerial_data/ (packs dropped in, unpacked or not),
        aerial_links.txt, IGN's index for what is missing; with imagery.source=wms a WMS and
        nothing else, with imagery.wms_departments_below the WMS for departments of few cells;
        with imagery.source=rasters the files that imagery.files names, which stay where they are
Writes  data/aerial_data/ (only the tiles that the cells need are unpacked; with
        imagery.throw_away an archive is deleted once they are),
        results/<city>/tiles.parquet
Run     python code/04_download_aerial.py --city Demo --run demo [--expect]
"""

import argparse

from urbancam.workflow import catalogue
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records.steps import Done, Step, require
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__file__, __doc__)
    parser.add_argument(
        "--expect",
        action="store_true",
        help="say only what is in place, on offer, to be fetched and unpacked, by department",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="with --force: fetch what was thrown away again, though the images cut from it stand",
    )
    return parser.parse_args(argv)


# Of section `imagery`: where tiles come in packs, where images of single cells are asked for.
ARCHIVE_SETTINGS = (
    "year",
    "pixel_size_m",
    "coarser",
    "fetch",
    "throw_away",
    "index_url",
    "wms_departments_below",
)
# How the imagery is had: a change asks again for what lacks, and is no other city.
WMS_WAYS = ("wms_failures", "wms_side_px", "wms_per_second")
WAYS = frozenset(f"imagery.{key}" for key in ("fetch", "throw_away", "index_url", *WMS_WAYS))
WMS_SETTINGS = (
    "wms_url",
    "wms_layer",
    "wms_crs",
    "wms_format",
    "wms_version",
    "wms_pixel_size_m",
    "pixel_size_m",
    "fetch",
    *WMS_WAYS,
)


RASTER_SETTINGS = ("files", "year", "pixel_size_m", "coarser")


def declare(request: Request) -> Step:
    paths, links = request.paths, ROOT / "aerial_links.txt"
    if request.settings.imagery.source == "rasters":
        return declare_rasters(request)
    from_archives = request.settings.imagery.source == "archives"
    keys = {*(ARCHIVE_SETTINGS if from_archives else WMS_SETTINGS)}
    if from_archives and request.settings.imagery.wms_departments_below:
        keys.update(WMS_SETTINGS)
    return request.step(
        5,
        paths.tiles,
        ["imagery.source", *(f"imagery.{key}" for key in sorted(keys))],
        [paths.cells],
        by_hand=[links] if from_archives and links.is_file() else [],
        listings=[paths.aerial_data],
        fills_listings=True,
        ways=WAYS,
    )


def declare_rasters(request: Request) -> Step:
    from urbancam.sources.imagery.named_files import named_files, with_sources

    named = named_files(request.settings.imagery.files, ROOT)
    files = [file for paths in named.values() for path in paths for file in with_sources(path)]
    return request.step(
        4,
        request.paths.tiles,
        ["imagery.source", *(f"imagery.{key}" for key in RASTER_SETTINGS)],
        [request.paths.cells],
        large_inputs=[file for file in dict.fromkeys(files) if file.is_file()],
    )


def work(job: Job) -> Done:
    from urbancam.sources.ign import collect, lost_images
    from urbancam.sources.imagery import rasters
    from urbancam.tables import geoframes

    paths, imagery = job.paths, job.settings.imagery
    cells = geoframes.read(paths.cells)
    if imagery.source == "rasters":
        tiles, counts = rasters.tiles_of(cells, imagery, paths.data)
        geoframes.write(tiles, paths.tiles)
        return Done(counts)
    place = (cells, imagery, job.city, paths.data, paths.aerial_data)
    if imagery.source == "wms":
        coverage, faults = collect.from_wms(*place)
    else:
        consumer = lost_images.consumer(cells, paths, job.settings, job.option("again"))
        coverage, faults = collect.from_archives(*place, consumer=consumer)
    counts = collect.report_coverage(cells, coverage, faults)
    geoframes.write(coverage.table(), paths.tiles)
    return Done(counts)


def expect(args: argparse.Namespace) -> int:
    """Say what the imagery will take; nothing is fetched, and no record written."""
    request = runner.read_request(args)
    paths = request.paths
    maker = catalogue.maker_of(paths.cells)
    require(paths.cells, maker, arguments.command_line(args, maker, paths.cells))

    from urbancam.sources.ign import collect, lost_images
    from urbancam.sources.imagery import rasters
    from urbancam.tables import geoframes

    cells, imagery = geoframes.read(paths.cells), request.settings.imagery
    if imagery.source == "rasters":
        rasters.tiles_of(cells, imagery, paths.data)
    elif imagery.source == "wms":
        collect.expect_from_wms(cells, imagery, request.city, paths.aerial_data)
    else:
        consumer = lost_images.consumer(cells, paths, request.settings, args.again)
        collect.expect_from_archives(
            cells, imagery, request.city, paths.aerial_data, consumer=consumer
        )
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    if args.expect:
        return runner.guard(lambda: expect(args))
    return runner.run(args, declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
