"""Have the aerial imagery of a city's cells: tiles of IGN's packs, or one image per cell from IGN's server.

Reads   results/<city>/cells.parquet; data/aerial_data/ (packs dropped in, unpacked or not), aerial_links.txt,
        IGN's index for what is missing; with imagery.source=wms IGN's WMS and nothing else
Writes  data/aerial_data/ (only the tiles that the cells need are unpacked), results/<city>/tiles.parquet
Run     python code/04_download_aerial.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    archives = settings.imagery.source == "archives"
    keys = ["year", "fetch", "index_url"] if archives else ["wms_url", "wms_layer", "pixel_size_m"]
    links = ROOT / "aerial_links.txt"
    return Step(
        "04_download_aerial",
        2,
        paths.tiles,
        "city",
        settings.pick("imagery.source", *(f"imagery.{key}" for key in keys)),
        {paths.cells: "03_select_cells"}
        | ({links: "by hand"} if archives and links.is_file() else {}),
        [paths.aerial_data],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.sources.ign import collect
    from urbancam.tables import geoframes

    cells = geoframes.read(paths.cells)
    gather = collect.from_wms if settings.imagery.source == "wms" else collect.from_archives
    found, faults = gather(cells, settings.imagery, args.city, paths.data, paths.aerial_data)
    counts = collect.report_coverage(cells, found, faults)
    geoframes.write(found.tiles, paths.tiles)
    vars(step).pop(
        "current", None
    )  # so that the record holds the drop folder with what was just put there
    return counts


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
