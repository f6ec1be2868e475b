"""Make the demo city: render a town and ship it exactly as INSEE, Copernicus and IGN would.

Reads   nothing
Writes  <data>/census_data/Filosofi2015_carreaux_200m_shp.zip, <data>/UA_data/FR901L1_DEMO.zip,
        <data>/aerial_data/ORTHOHR_*.7z.00N (two departments), <data>/truth.json (the rule behind
        the incomes)
Run     python code/00_make_demo_city.py --run demo
"""

import argparse

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    if paths.data == (ROOT / "data").resolve():
        raise InputError(
            f"the demo city would lie among real data with run {request.args.run!r}",
            paths.data,
            "use --run demo, write `base: demo` into the overlay of a run of yours, or name a "
            "folder with --data",
        )
    settings = ["demo", "imagery.pixel_size_m"]
    return request.step(1, paths.truth, settings, outputs=None)  # as many volumes as it takes


def work(job: Job) -> Done:
    from urbancam.demo.city import make_city

    volumes, counts = make_city(job.settings, job.paths, job.workers)
    return Done(counts, outputs=volumes)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
