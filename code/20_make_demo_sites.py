"""Make the towns of the cities demo: five forms, several sites each, two acquisitions of different light and season.

Reads   nothing
Writes  <data>/cities_data/<City (IATA)>/<site>/0.jpg, <data>/cities_data/acquisitions.csv,
        <data>/cities_truth.json (each town's form, and which towns share a light)
Run     python code/20_make_demo_sites.py --run demo
"""

import argparse

from urbancam.workflow import arguments, runner
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records import Step


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, experiment="cities").parse_args(argv)


def declare(settings, paths, args) -> Step:
    if paths.data == (ROOT / "data").resolve():
        raise InputError(
            "the demo's towns would lie among real data",
            paths.data,
            "use --run demo, or --data DIR",
        )
    step = Step(
        "20_make_demo_sites",
        2,
        paths.cities_truth,
        "data",
        settings.pick("cities.demo", "cities.pixel_size_m"),
    )
    step.outputs = [
        ROOT / name for name in step.record.get("outputs", {})
    ]  # as many images as were made
    return step


def work(step, settings, paths, args) -> dict:
    from urbancam.demo.towns import make_towns

    step.outputs, counts = make_towns(settings.cities, paths, args.workers)
    return counts


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
