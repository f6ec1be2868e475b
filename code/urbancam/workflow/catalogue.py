"""The steps of both experiments, in order: what there is, who makes which file, who takes which
argument.

The one place for these facts. The scripts take their names, scopes and the makers of their inputs
from here; the plan of `run.sh`, the status and the tests read it too. Standard library only: a plan
can be told before anything is installed.
"""

import re
from pathlib import Path

from urbancam.workflow.entries import (
    BOTH,
    CHECK,
    CITIES,
    COMPARE,
    DATA,
    EXPLAIN,
    EXPORT,
    FIGURE_FILES,
    INCOME,
    MAKE,
    NO_RECORD,
    SCORE,
    SHOW,
    STATUS,
    TELL,
    Entry,
    cities_step,
    income_step,
)

EXPERIMENT = CITIES  # what stands for a city's name where the cities experiment is meant
DEMO_CITY = "Demo"
BY_HAND = "by hand"  # the maker of a file that no step makes

STEPS = (
    income_step("00_make_demo_city", MAKE, "data", "truth.json"),
    income_step(
        "01_download_census", DATA, "data", "census_*.parquet", only_insee=True, downloads=True
    ),
    income_step(
        "02_import_urban_atlas",
        DATA,
        "city",
        "land_cover.parquet boundary.parquet classes.csv",
        reads_by_hand=True,
    ),
    income_step("03_select_cells", DATA, "city", "cells.parquet", "01 02", expects=True),
    income_step(
        "04_download_aerial", DATA, "city", "tiles.parquet", "03", takes_expect=True, downloads=True
    ),
    income_step(
        "05_cut_images",
        DATA,
        "city",
        "images.csv",
        "03 04",
        settles_variants=True,
        core_s_per_megapixel=0.2,  # measured on the demo city
        bytes_per_megapixel=2.3e6,  # of PNG; imagery of IGN (published: 2 to 2.5 MB for 1000 px)
    ),
    income_step("06_cut_land_cover", DATA, "city", "fragments.parquet", "02 03"),
    income_step("07_measure_cells", DATA, "run", "features/*.parquet", "03 05 06", takes_gpu=True),
    income_step("08_check_city", CHECK, NO_RECORD),
    income_step(
        "10_assign_folds",
        SCORE,
        "run",
        "samples.csv planted_incomes.csv planted_truth.csv",
        "01 03 05 06",
    ),
    income_step(
        "11_train_income",
        SCORE,
        "run",
        "weights.pt history.csv test_predictions.csv validation_predictions.csv",
        "03 05 10",
        takes_fold=True,
        takes_gpu=True,
        bytes_per_megapixel=3e6,  # of the cache, three bytes a pixel
    ),
    income_step(
        "12_evaluate_income",
        SCORE,
        "run",
        "predictions.csv metrics.csv confusion_matrix.csv classification_report.csv"
        " calibration.csv reliability.csv temperatures.csv spatial_autocorrelation.csv"
        " subgroups.csv added_value.csv distance.csv block_size.csv",
        "03 05 07 10 11",
    ),
    income_step(
        "13_project_activation",
        EXPLAIN,
        "run",
        "activation.parquet cell_activation.csv local_moments.parquet *_contribution.tif",
        "05 06 10 11",
        takes_gpu=True,
    ),
    income_step(
        "14_landcover_statistics",
        EXPLAIN,
        "run",
        "activation_ratio.csv activation_contrast.csv contribution.csv coactivation.csv"
        " class_income.csv class_by_quintile.csv observed_association.csv"
        " observed_coassociation.csv ordering_agreement.csv local_effect.csv adjusted_effect.csv",
        "02 03 10 12 13",
    ),
    income_step(
        "15_compare_variants",
        COMPARE,
        "run",
        "leakage.csv seeds.csv variance.csv",
        "10 12 14",
        reads_other_cities=True,
    ),
    income_step(
        "16_control_attribution",
        COMPARE,
        "run",
        "attribution_controls.csv attribution_agreement.csv deletion.csv deletion_area.csv"
        " map_shift.csv nulls.csv",
        "02 05 06 10 11 12 13",
        takes_gpu=True,
    ),
    income_step(
        "17_transfer_income",
        COMPARE,
        "run",
        "predictions_without_income.csv transfer.csv",
        "03 05 10 11 12",
        takes_gpu=True,
        reads_other_cities=True,
    ),
    income_step(
        "18_recover_plants",
        COMPARE,
        "run",
        "recovery.csv recovery_summary.csv",
        "02 03 05 06 10 11 12 13",
        takes_gpu=True,
    ),
    income_step("19_weigh_claims", COMPARE, "run", "claims.csv", "12 14 15 18"),
    cities_step("20_make_demo_sites", MAKE, "data", "cities_truth.json"),
    cities_step(
        "21_import_sites",
        DATA,
        "run",
        "sites.csv skipped.csv",
        "02 03 04",
        downloads=True,
        settles_variants=True,
    ),
    cities_step("22_index_patches", SCORE, "run", "patches.parquet cities.csv", "21", expects=True),
    cities_step(
        "23_train_cities",
        SCORE,
        "run",
        "weights.pt history.csv test_predictions.csv site_embeddings.parquet",
        "21 22",
        takes_fold=True,
        takes_gpu=True,
        bytes_per_megapixel=3e6,  # as of step 11
    ),
    cities_step(
        "24_evaluate_cities",
        COMPARE,
        "run",
        "predictions.csv accuracy.csv confusion_matrix.csv most_confused.csv"
        " similarity_embedding.csv similarity_confusion.csv city_similarity.csv city_tree.csv"
        " city_map.csv",
        "21 22 23",
    ),
    cities_step(
        "25_map_relevance",
        COMPARE,
        "run",
        "relevance.csv relevance_by_class.csv relevance_fragments.parquet",
        "02 21 22 23",
        takes_gpu=True,
        reads_other_cities=True,
    ),
    cities_step("26_draw_cities", SHOW, "run", FIGURE_FILES, "21 24"),
    cities_step("27_report_cities", SHOW, "run", "report.html", "21 24 25 26"),
    income_step("80_export_layers", SHOW, "run", "*.gpkg", "02 03 05 06 10 12 13 17"),
    income_step("89_new_city", "", NO_RECORD),
    income_step("90_show_status", STATUS, NO_RECORD),
    income_step(
        "91_make_figures",
        SHOW,
        "run",
        FIGURE_FILES,
        "02 05 06 10 12 13 14 15 16 17 18",
        reads_other_cities=True,
    ),
    income_step(
        "92_make_report", SHOW, "run", "report.html", "02 03 05 06 10 12 13 14 15 16 18 19 91"
    ),
    income_step("93_tell_results", TELL, NO_RECORD, "", "12 14"),
    income_step("94_refresh_pictures", "", NO_RECORD),
    income_step("95_show_settings", "", NO_RECORD),
    income_step("96_export_results", EXPORT, NO_RECORD),
    Entry(
        "97_compare_runs",
        SHOW,
        "data",
        ("report.html", "all_runs.csv"),
        ("12", "14", "19", "24", "27", "92"),
        experiment=BOTH,
    ),
    income_step("98_start_cluster", "", NO_RECORD),
)


def find(script: str | Path) -> Entry:
    """The entry of a script, named by its file or by the name of it."""
    name = Path(script).stem
    return next(entry for entry in STEPS if entry.script == name)


def maker_of(path: Path, experiment: str = INCOME) -> str:
    """The script that makes a file.

    Args:
        path: Path of the file; its name decides, and for some its folder's.
        experiment: Where both experiments make a file of that name, the one that is meant.

    Returns:
        Name of the script, or `BY_HAND`.
    """
    makers = [(entry, name) for entry in STEPS for name in entry.makes if path.match(name)]
    # A name that tells the folder too says more than one that does not.
    makers.sort(key=lambda pair: (pair[0].experiment != experiment, -pair[1].count("/")))
    return makers[0][0].script if makers else BY_HAND


def experiment_of(city: str) -> str:
    """The experiment that a name on the command line means."""
    return CITIES if city == EXPERIMENT else INCOME


def steps_of(city: str, run: str, *parts: str) -> list[Entry]:
    """The steps of a city (or of the cities experiment) in these parts of the plan, in order.

    What renders a demo belongs to the demo alone: step 00 to the demo city, step 20 to runs of the
        demo.
    """
    experiment = experiment_of(city)
    rendered = city == DEMO_CITY if experiment == INCOME else run.startswith("demo")
    return [
        entry
        for entry in STEPS
        if entry.experiment in (experiment, BOTH)
        and entry.part in parts
        and (entry.part != MAKE or rendered)
    ]


def parts_of_variant(variant: str) -> tuple[str, ...]:
    """The parts that a variant of a run goes through: other folds are scored, not explained."""
    return (SCORE,) if re.match("(split|folds)-", variant) else (SCORE, EXPLAIN)
