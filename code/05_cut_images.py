"""Cut the aerial image of every cell: one warp from the tiles straight onto the cell's own grid (EPSG:3035).

Reads   results/<city>/cells.parquet, tiles.parquet, and the tiles below data/aerial_data/
Writes  results/<city>/images/FR_URBANATLAS_<200m|1km>_<idINSPIRE>.png (row 0 in the north),
        images.csv
Run     python code/05_cut_images.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.files import atomic
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    return Step(
        "05_cut_images",
        1,
        paths.images_table,
        "city",
        settings.pick("imagery.pixel_size_m", "census.cell_size_m"),
        {paths.cells: "03_select_cells", paths.tiles: "04_download_aerial"},
        outputs=[paths.images],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.sources.imagery import cutting, overlay
    from urbancam.tables import geoframes

    cells, tiles = geoframes.read(paths.cells), geoframes.read(paths.tiles)
    with_tiles = overlay.cells_with_tiles(cells, tiles, paths.data)
    images = cutting.cut_images(with_tiles, paths.images, settings.image_px, args.workers)
    with atomic(paths.images_table) as temporary:
        images.to_csv(temporary, index=False)
    found = images["path"].notna()
    return {
        "images": int(found.sum()),
        "cells without imagery": int((~found).sum()),
        "cells with some void": int((found & (images["void_fraction"] > 0)).sum()),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
