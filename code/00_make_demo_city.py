"""Make the demo city: render a town and ship it exactly as INSEE, Copernicus and IGN would.

Reads   nothing
Writes  <data>/census_data/Filosofi2015_carreaux_200m_shp.zip, <data>/UA_data/FR901L1_DEMO.zip,
        <data>/aerial_data/ORTHOHR_*.7z.00N (two departments), <data>/truth.json (the rule behind the incomes)
Run     python code/00_make_demo_city.py --run demo
"""

import argparse

from urbancam.workflow import arguments, runner
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT
from urbancam.workflow.records import Step


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__).parse_args(argv)


def declare(settings, paths, args) -> Step:
    if paths.data == (ROOT / "data").resolve():
        raise InputError(
            "the demo city would lie among real data", paths.data, "use --run demo, or --data DIR"
        )
    step = Step(
        "00_make_demo_city", 1, paths.truth, "data", settings.pick("demo", "imagery.pixel_size_m")
    )
    step.outputs = [
        ROOT / name for name in step.record.get("outputs", {})
    ]  # as many volumes as were made
    return step


def work(step, settings, paths, args) -> dict:
    from urbancam.demo.city import make_city

    step.outputs, counts = make_city(settings, paths, args.workers)
    return counts


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
