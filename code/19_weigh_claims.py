"""Weigh all that the run claims together: corrected for how many claims were tried, each held
against the run's own controls, nulls and comparisons.

Reads   results/<city>/<run>/tables/: all tables of tests and controls that are there; only
        metrics.csv must be
        results/<city>/<run>/variants/shuffled-labels/tables/metrics.csv, local_effect.csv, where
        they are there
Writes  results/<city>/<run>/tables/claims.csv
Run     python code/19_weigh_claims.py --city Demo --run demo
"""

import argparse

from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import variants

EVIDENCE = (
    "subgroups",
    "added_value",
    "local_effect",
    "adjusted_effect",
    "observed_association",
    "coactivation",
    "observed_coassociation",
    "ordering_agreement",
    "leakage",
    "recovery_summary",
)

OF_SHUFFLED_LABELS = ("metrics", "local_effect")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    paths = request.paths
    shuffled = map(paths.of_variant(variants.SHUFFLED).table, OF_SHUFFLED_LABELS)
    evidence = [path for path in (*map(paths.table, EVIDENCE), *shuffled) if path.is_file()]
    return request.step(
        4,
        paths.table("claims"),
        ["statistics.confidence", "statistics.false_discovery_rate"],
        [paths.table("metrics"), *evidence],
    )


def work(job: Job) -> Done:
    from urbancam.scoring import claims
    from urbancam.tables import frames

    paths, statistics = job.paths, job.settings.statistics
    own = [path for path in job.inputs if path.parent == paths.tables]
    tables = {path.stem: frames.read(path) for path in own}
    for path in set(job.inputs) - set(own):
        tables[f"shuffled_{path.stem}"] = frames.read(path)
    weighed = claims.weigh(tables, statistics.false_discovery_rate, statistics.confidence)
    frames.write(weighed, paths.table("claims"))
    return Done({"claims tried": len(weighed), "survive": int(weighed["survives"].sum())})


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
