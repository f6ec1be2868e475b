"""Cut the aerial image of every cell: one warp from the tiles straight onto the cell's own grid
(EPSG:3035).

Reads   results/<city>/cells.parquet, tiles.parquet, and the tiles below data/aerial_data/
Writes  results/<city>/images/FR_URBANATLAS_<200m|1km>_<idINSPIRE>.png (row 0 in the north),
        images.csv; with imagery.throw_away it then deletes the tiles and archives
Run     python code/05_cut_images.py --city Demo --run demo
"""

import argparse

from urbancam.workflow.files import atomic
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    return request.step(
        5,
        paths.images_table,
        [
            "imagery.pixel_size_m",
            "cells.source",
            "cells.year",
            "census.vintage",
            "urban_atlas.edition",
            "landcover.source",
            "landcover.year",
        ],
        [paths.cells, paths.tiles],
        outputs=[paths.images],
    )


def work(job: Job) -> Done:
    from urbancam.sources.ign.consumed_tiles import ConsumedTiles, Consumer
    from urbancam.sources.imagery import cutting, image_table, overlay
    from urbancam.tables import geoframes, grid

    paths = job.paths
    cells, tiles = geoframes.read(paths.cells), geoframes.read(paths.tiles)
    cells_with_tiles = overlay.cells_with_tiles(cells, tiles, paths.data)
    image_px = job.settings.image_px(grid.side_m(cells["idINSPIRE"]))
    consumed = ConsumedTiles.of(paths.aerial_data, Consumer(paths.city_folder)).signatures()
    voids = image_table.void_fingerprints(paths.images_table)
    images = cutting.cut_images(
        cells_with_tiles, paths.images, image_px, job.workers, consumed, voids
    )
    settings = job.settings
    images = image_table.with_years(images, settings.value_year, settings.land_cover_year)
    with atomic(paths.images_table) as temporary:
        images.to_csv(temporary, index=False)
    return Done(image_table.count_images(images))


def throw_away(args: argparse.Namespace) -> int:
    """Throw tiles and archives away where `imagery.throw_away` asks for it; no result changes."""
    request = runner.read_request(args)
    if request.settings.imagery.throw_away:
        from urbancam.sources.ign import consumed_tiles

        consumed_tiles.throw_away(request.paths)
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    status = runner.run(args, declare, work)
    if status or args.status:
        return status
    return runner.guard(lambda: throw_away(args))


if __name__ == "__main__":
    raise SystemExit(main())
