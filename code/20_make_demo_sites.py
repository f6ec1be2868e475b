"""Make the towns of the cities demo: five forms, several sites each, two acquisitions of different
light and season.

Reads   nothing
Writes  <data>/cities_data/<City (IATA)>/<site>/0.jpg, <data>/cities_data/acquisitions.csv,
        <data>/cities_truth.json (each town's form, and which towns share a light)
Run     python code/20_make_demo_sites.py --run demo
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
            "the demo's towns would lie among real data",
            paths.data,
            "use --run demo, or --data DIR",
        )
    settings = ["cities.demo", "cities.pixel_size_m"]
    return request.step(2, paths.cities_truth, settings, outputs=None)  # as many images as it takes


def work(job: Job) -> Done:
    from urbancam.demo.towns import make_towns

    images, counts = make_towns(job.settings.cities, job.paths, job.workers)
    return Done(counts, outputs=images)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
