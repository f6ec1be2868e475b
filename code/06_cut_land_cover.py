"""Cut the land-cover polygons by the cells.

Reads   results/<city>/cells.parquet, land_cover.parquet
Writes  results/<city>/fragments.parquet (one polygon per cell and land-cover polygon)
Run     python code/06_cut_land_cover.py --city Demo --run demo
"""

import argparse

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    inputs = [paths.cells, paths.land_cover]
    return request.step(2, paths.fragments, [], inputs)


def work(job: Job) -> Done:
    from urbancam.sources.landcover import fragments as cutting
    from urbancam.tables import geoframes

    paths = job.paths
    cells = geoframes.read(paths.cells, ["idINSPIRE", "geometry"])
    land_cover = geoframes.read(paths.land_cover)
    fragments = cutting.cut_by_cells(land_cover, cells)
    if fragments.empty:
        raise InputError(
            f"no land cover lies in any of {len(cells):,} cells: "
            f"land cover {land_cover.total_bounds.round()}, "
            f"cells {cells.total_bounds.round()} ({cells.crs.to_string()}, m)",
            display_path(paths.land_cover),
            "check that the land cover is of the city of the cells: landcover, urban_atlas",
        )
    geoframes.write(fragments, paths.fragments)
    return Done(cutting.describe_cover(fragments, cells))


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
