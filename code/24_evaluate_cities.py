"""Score how well cities are named, by what acquisition they are named, and say which cities look alike.

Reads   results/cities/<run>/patches.parquet, fold_K/{test_predictions.csv,site_embeddings.parquet} of every fold;
        variants/<name>/patches.parquet, fold_K/test_predictions.csv of the variants that were trained
Writes  results/cities/<run>/predictions.csv, tables/{accuracy,confusion_matrix,most_confused,similarity_embedding,
        similarity_confusion,city_similarity,city_tree,city_map}.csv
Run     python code/24_evaluate_cities.py --run demo
"""

import argparse
import logging

from urbancam.workflow import arguments, runner
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

TABLES = (
    "confusion_matrix",
    "most_confused",
    "similarity_embedding",
    "similarity_confusion",
    "city_similarity",
    "city_tree",
    "city_map",
)
RUN = "run"  # what accuracy.csv calls the run itself, beside its variants


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, experiment="cities").parse_args(argv)


def fold_files(settings, paths, variant: str = "") -> list:
    """The test predictions of all folds of the run, or of a variant."""
    there = paths.of_variant(variant)
    return [
        there.test_predictions(fold)
        for fold in range(settings.cities.of_variant(variant).folds_trained)
    ]


def trained_variants(settings, paths) -> list[str]:
    """The variants that the settings ask for and whose folds are all there."""
    return [
        name
        for name in settings.cities.variants
        if all(f.is_file() for f in fold_files(settings, paths, name))
    ]


def declare(settings, paths, args) -> Step:
    inputs = {}
    for variant in ["", *trained_variants(settings, paths)]:
        inputs[paths.of_variant(variant).patches] = "22_index_patches"
        inputs |= dict.fromkeys(fold_files(settings, paths, variant), "23_train_cities")
    folds = range(settings.cities.folds_trained)
    inputs |= {paths.site_embeddings(fold): "23_train_cities" for fold in folds}
    keys = ("split", "folds", "trained_folds", "variants", "variant_folds")
    return Step(
        "24_evaluate_cities",
        2,
        paths.table("accuracy"),
        "run",
        settings.pick("statistics", "seed", *(f"cities.{key}" for key in keys)),
        inputs,
        outputs=[paths.predictions, *(paths.table(name) for name in TABLES)],
    )


def work(step, settings, paths, args) -> dict:
    import pandas as pd

    from urbancam.cities import accuracy, arrangements, patches, similarity
    from urbancam.tables import frames

    how = (settings.statistics.draws, settings.statistics.confidence, settings.seed)

    def read_predictions(variant: str) -> tuple[pd.DataFrame, list[str]]:
        """Of all folds, and the names of the cities that the networks tell apart."""
        files = fold_files(settings, paths, variant)
        text = dict.fromkeys(("site", "image", "acquisition"), "str")
        table = pd.concat([frames.read(file, dtype=text) for file in files], ignore_index=True)
        index = frames.read(paths.of_variant(variant).patches)
        accuracy.check_predictions(table, patches.tested_patches(index, len(files)), variant or RUN)
        return table, patches.city_numbers(index)[1]

    predictions, names = read_predictions("")
    parts = [accuracy.accuracy_table(predictions, *how).assign(trained_on=RUN, n_cities=len(names))]
    for variant in settings.cities.variants:
        if variant not in trained_variants(settings, paths):
            log.info(
                "leaves out variant %s: not trained (23_train_cities --variant %s)",
                variant,
                variant,
            )
            continue
        varied, known = read_predictions(variant)
        parts.append(
            accuracy.accuracy_table(varied, *how).assign(trained_on=variant, n_cities=len(known))
        )
    scores = pd.concat(parts, ignore_index=True)
    scores.insert(0, "trained_on", scores.pop("trained_on"))

    confusion = accuracy.confusion_matrix(predictions, names)
    cities = confusion["city"].tolist()
    if untested := sorted(set(names) - set(cities)):
        log.info("these folds test no site of %s", ", ".join(untested))
    sites = pd.concat(
        [frames.read(paths.site_embeddings(fold)) for fold in range(settings.cities.folds_trained)]
    )
    embeddings = sites.filter(regex=r"^e\d+$").to_numpy()
    alike = [
        similarity.by_embedding(sites, embeddings, cities, *how),
        similarity.by_confusion(predictions, cities, *how),
    ]
    made = {
        "confusion_matrix": confusion,
        "most_confused": accuracy.most_confused(confusion),
        "similarity_embedding": alike[0].matrix(),
        "similarity_confusion": alike[1].matrix(),
        "city_similarity": pd.concat([one.pairs() for one in alike]),
        "city_tree": pd.concat([arrangements.merge_tree(one) for one in alike]),
        "city_map": pd.concat([arrangements.place_cities(one, settings.seed) for one in alike]),
    }
    frames.write(predictions, paths.predictions)
    for name, table in made.items():
        frames.write(table, paths.table(name))
    frames.write(scores, step.result)
    return summary(scores, len(names))


def summary(scores, cities: int) -> dict:
    overall = scores[(scores["subset"] == "all") & (scores["metric"] == "accuracy")]
    value = overall.set_index(["trained_on", "tested_on"])["value"]
    counts = {
        "patches": int(overall["n_patches"].iloc[0]),
        "cities": cities,
        "chance": 1 / cities,
        "accuracy": float(value[RUN, "as_is"]),
    }
    counts |= {
        f"accuracy on {name} patches": float(value[RUN, name]) for name in ("jitter", "grey")
    }
    others = value.xs("as_is", level="tested_on").drop(RUN)
    return counts | {f"accuracy of {name}": float(number) for name, number in others.items()}


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
