"""Cut the land-cover polygons by the cells.

Reads   results/<city>/cells.parquet, land_cover.parquet
Writes  results/<city>/fragments.parquet (one polygon per cell and land-cover polygon)
Run     python code/06_cut_land_cover.py --city Demo --run demo
"""

import argparse

from urbancam import command
from urbancam.errors import InputError
from urbancam.paths import shown
from urbancam.records import Step


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    return Step(
        "06_cut_land_cover", 1, paths.fragments, "city",
        settings.pick("census.cell_size_m"),
        {paths.cells: "03_select_cells", paths.land_cover: "02_import_urban_atlas"},
        label=args.city,
    )  # fmt: skip


def work(step, settings, paths, args) -> dict:
    from urbancam import geotables, urban_atlas

    cells = geotables.read(paths.cells, ["idINSPIRE", "geometry"])
    land_cover = geotables.read(paths.land_cover)
    fragments = urban_atlas.cut_by_cells(land_cover, cells)
    if fragments.empty:
        raise InputError(
            f"no land cover lies in any of {len(cells):,} cells: land cover {land_cover.total_bounds.round()}, "
            f"cells {cells.total_bounds.round()} (EPSG:3035, m)",
            shown(paths.land_cover), "check that data/UA_data holds the city's own Urban Atlas",
        )  # fmt: skip
    geotables.write(fragments, paths.fragments)
    return urban_atlas.describe_cover(fragments, cells)


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
