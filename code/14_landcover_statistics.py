"""Say which land cover the network reads as poor and as rich, what the incomes say, and whether they agree.

Reads   results/<city>/<run>/activation.parquet, predictions.csv, samples.csv
Writes  results/<city>/<run>/tables/: activation_ratio.csv, activation_contrast.csv, contribution.csv,
        coactivation.csv, observed_association.csv, observed_coassociation.csv, class_income.csv,
        ordering_agreement.csv
Run     python code/14_landcover_statistics.py --city Demo --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True, variant=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    others = (
        "activation_contrast",
        "contribution",
        "coactivation",
        "observed_association",
        "observed_coassociation",
        "class_income",
        "ordering_agreement",
    )
    return Step(
        "14_landcover_statistics",
        2,
        paths.table("activation_ratio"),
        "run",
        settings.pick("landcover", "statistics", "seed", "census.cell_size_m"),
        {
            paths.activation: "13_project_activation",
            paths.predictions: "12_evaluate_income",
            paths.samples: "10_assign_folds",
        },
        outputs=[paths.table(name) for name in others],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.explaining.landcover import observed, ordering, pairs
    from urbancam.explaining.landcover.city import LandCover
    from urbancam.sources.urban_atlas import classes
    from urbancam.tables import frames

    activation = frames.read(paths.activation)
    predictions = frames.read(paths.predictions)
    blocks = frames.read(paths.samples).set_index("idINSPIRE")["block"]
    names = classes.class_names(settings.landcover.key)
    city = LandCover(
        activation,
        predictions,
        blocks,
        names,
        settings.census.cell_size_m**2,
        settings.landcover,
        settings.statistics,
        settings.seed,
    )
    log.info(
        "leaves out %s slivers below %g m2 of a class in a cell: not counted as held",
        f"{city.n_slivers:,}",
        settings.landcover.min_area_m2,
    )
    made = {
        "activation_contrast": city.contrast(),
        "contribution": city.contribution_by_class(),
        "coactivation": pairs.coactivation(city),
        "observed_association": observed.observed_association(city),
        "observed_coassociation": pairs.observed_coassociation(city),
        "class_income": observed.class_income(city),
        "ordering_agreement": ordering.ordering_agreement(city),
        "activation_ratio": city.activation_ratio(),
    }
    for name, table in made.items():
        frames.write(table, paths.table(name))
    return {
        "classes": len(city.classes),
        "cells read poor": len(city.side("poor").cells),
        "cells read rich": len(city.side("rich").cells),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
