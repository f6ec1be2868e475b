"""Say which land cover the network reads as poor and as rich, what the incomes say, and whether
they agree.

Reads   results/<city>/cells.parquet, classes.csv, results/<city>/<run>/activation.parquet,
        cell_activation.csv, local_moments.parquet, predictions.csv
Writes  results/<city>/<run>/tables/: activation_ratio.csv, activation_contrast.csv,
        contribution.csv, coactivation.csv, observed_association.csv, observed_coassociation.csv,
        class_income.csv, class_by_quintile.csv, ordering_agreement.csv, local_effect.csv,
        adjusted_effect.csv
Run     python code/14_landcover_statistics.py --city Demo --run demo
"""

import argparse
import logging
from typing import TYPE_CHECKING

from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.explaining.landcover.city import LandCover
    from urbancam.workflow.paths import Paths

log = logging.getLogger(__name__)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


SLIVERS = "leaves out %s slivers below %g m2 of a class in a cell: not counted as held"
FURTHER_TABLES = (
    "activation_contrast",
    "contribution",
    "coactivation",
    "observed_association",
    "observed_coassociation",
    "class_income",
    "class_by_quintile",
    "ordering_agreement",
    "local_effect",
    "adjusted_effect",
)


SETTINGS = (
    "landcover.key",
    "landcover.poor_classes",
    "landcover.rich_classes",
    "landcover.min_joint_cells",
    "landcover.min_area_m2",
    "landcover.reference",
    "statistics",
    "seed",
    "samples.target",
)


def declare(request: Request) -> Step:
    paths = request.paths
    return request.step(
        10,
        paths.table("activation_ratio"),
        SETTINGS,
        [paths.activation, paths.predictions, paths.samples, paths.cells, paths.classes],
        outputs=[paths.table(name) for name in FURTHER_TABLES],
    )


def work(job: Job) -> Done:
    from urbancam.explaining.landcover.run import statistics_of_run
    from urbancam.scoring import samples, vocabulary
    from urbancam.tables import cover_classes, frames

    settings, paths = job.settings, job.paths
    city = statistics_of_run(
        frames.read(paths.activation),
        frames.read(paths.predictions),
        samples.read(paths.samples).set_index("idINSPIRE")["block"],
        cover_classes.read(paths.classes),
        settings,
    )
    log.info(SLIVERS, f"{city.n_slivers:,}", settings.landcover.min_area_m2)
    tables = effect_tables(city, paths, settings.samples.target) | statistics_tables(
        city, settings.seed
    )
    for name, table in tables.items():
        frames.write(table, paths.table(name))
    counts = {"classes": len(city.classes)}
    counts |= {f"cells read {side}": len(city.side(side).cells) for side in vocabulary.SIDES}
    return Done(counts)


def statistics_tables(city: "LandCover", seed: int) -> dict[str, "pd.DataFrame"]:
    """Table by name; the one that closes the step comes last."""
    from urbancam.explaining.landcover import observed, ordering, pairs, surrogates
    from urbancam.tables import grid

    centres = grid.centres(city.predictions.index.to_series())
    incomes = city.predictions["value"].to_numpy()
    incomes_by_chance = surrogates.draw_surrogates(centres, incomes, seed)

    return {
        "activation_contrast": city.contrast(),
        "contribution": city.contribution_by_class(),
        "coactivation": pairs.coactivation(city),
        "observed_association": observed.observed_association(city),
        "observed_coassociation": pairs.observed_coassociation(city),
        "class_income": observed.class_income(city),
        "class_by_quintile": observed.class_by_quintile(city),
        "ordering_agreement": ordering.ordering_agreement(city, incomes_by_chance),
        "activation_ratio": city.activation_ratio(),
    }


def effect_tables(city: "LandCover", paths: "Paths", target: str) -> dict[str, "pd.DataFrame"]:
    """The effects of classes, of places within cells and of cells."""
    from urbancam.explaining.landcover import adjusted, local
    from urbancam.tables import frames

    activation = frames.read(paths.activation)
    class_of_code = dict(zip(activation["code"], activation[city.settings.key], strict=True))
    moments = frames.read(paths.local_moments)
    logit = frames.read(paths.cell_activation).set_index("idINSPIRE")["logit"]
    people = frames.read(paths.cells, ["idINSPIRE", "ind"]).set_index("idINSPIRE")["ind"]
    # What the network has learned is not held, nor what is not known in a city of one's own.
    if target == "density" or people.isna().any():
        people = None
    outcomes = {"logit": logit, "income": city.predictions["value"]}
    return {
        "local_effect": local.local_effect(city, moments, class_of_code),
        "adjusted_effect": adjusted.adjusted_effect(city, outcomes, people),
    }


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
