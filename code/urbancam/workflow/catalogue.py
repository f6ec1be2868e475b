"""The steps of both experiments, in order: what there is, who makes which file, who takes which
argument.

The one place for these facts. The scripts take their names, scopes and the makers of their inputs
from here; the plan of `run.sh`, the status and the tests read it too. Standard library only: a plan
can be told before anything is installed.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

INCOME, CITIES = "income", "cities"  # the two experiments
BOTH = "both"  # of a script that serves them together
EXPERIMENT = CITIES  # what stands for a city's name where the cities experiment is meant
DEMO_CITY = "Demo"
BY_HAND = "by hand"  # the maker of a file that no step makes

# Parts of the plan of a city, in order. A variant of a run goes through SCORE, and through EXPLAIN
# unless it is only another split.
STATUS = "status"
MAKE = "make"
DATA = "data"
SCORE = "score"
EXPLAIN = "explain"
COMPARE = "compare"
SHOW = "show"
TELL = "tell"
EXPORT = "export"
FIGURE_FILES = "*.png *.pdf *.svg captions.md"
NO_RECORD = ""  # the scope of a script that leaves no result, so that nothing of its can be stale


@dataclass(frozen=True)
class Entry:
    """One numbered script.

    Attributes:
        script: Name of its file in `code/`, without `.py`.
        part: Part of the plan it belongs to; "" for a script that no plan calls.
        scope: "data" (a result for all cities), "city", "run", or `NO_RECORD`.
        makes: Names of the files it writes that other steps may read; patterns as of `fnmatch`.
        reads: Numbers of the steps whose files it reads.
        takes_fold: Whether it takes `--fold`.
        takes_gpu: Whether it runs networks, which a GPU makes fast.
        expects: Whether disk and time are told once it is done, since the counts are known then.
        downloads: Whether it fetches from a provider that bears few at a time.
        settles_variants: Whether the variants that fit a city are known once it is done.
        reads_other_cities: Whether it reads results of the other cities at hand.
        takes_expect: Whether it takes `--expect`, and then only says what it would fetch.
        reads_by_hand: Whether it reads what only the user can put there, so that it is called
            before anything is fetched.
        core_s_per_megapixel: Seconds of one core for a megapixel of image, for the estimate.
        bytes_per_megapixel: What it writes for a megapixel of image, for the estimate.
        experiment: `INCOME`, `CITIES` or `BOTH`.
    """

    script: str
    part: str
    scope: str
    makes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    takes_fold: bool = False
    takes_gpu: bool = False
    expects: bool = False
    downloads: bool = False
    settles_variants: bool = False
    reads_other_cities: bool = False
    takes_expect: bool = False
    reads_by_hand: bool = False
    core_s_per_megapixel: float = 0
    bytes_per_megapixel: float = 0
    experiment: str = INCOME

    @property
    def number(self) -> str:
        return self.script[:2]

    @property
    def takes_city(self) -> bool:
        return self.experiment == INCOME and self.scope != "data" and bool(self.part)

    @property
    def takes_variant(self) -> bool:
        return self.part in (SCORE, EXPLAIN)


def _income(script: str, part: str, scope: str, makes: str = "", reads: str = "", **flags) -> Entry:
    return Entry(script, part, scope, tuple(makes.split()), tuple(reads.split()), **flags)


def _cities(script: str, part: str, scope: str, makes: str = "", reads: str = "", **flags) -> Entry:
    return _income(script, part, scope, makes, reads, experiment=CITIES, **flags)


STEPS = (
    _income("00_make_demo_city", MAKE, "data", "truth.json"),
    _income("01_download_census", DATA, "data", "census_*.parquet", downloads=True),
    _income(
        "02_import_urban_atlas",
        DATA,
        "city",
        "land_cover.parquet boundary.parquet classes.csv",
        reads_by_hand=True,
    ),
    _income("03_select_cells", DATA, "city", "cells.parquet", "01 02", expects=True),
    _income(
        "04_download_aerial", DATA, "city", "tiles.parquet", "03", takes_expect=True, downloads=True
    ),
    _income(
        "05_cut_images",
        DATA,
        "city",
        "images.csv",
        "03 04",
        settles_variants=True,
        core_s_per_megapixel=0.2,  # measured on the demo city
        bytes_per_megapixel=2.3e6,  # of PNG; imagery of IGN (published: 2 to 2.5 MB for 1000 px)
    ),
    _income("06_cut_land_cover", DATA, "city", "fragments.parquet", "02 03"),
    _income(
        "10_assign_folds",
        SCORE,
        "run",
        "samples.csv planted_incomes.csv planted_truth.csv",
        "01 03 05 06",
    ),
    _income(
        "11_train_income",
        SCORE,
        "run",
        "weights.pt history.csv test_predictions.csv validation_predictions.csv",
        "03 05 10",
        takes_fold=True,
        takes_gpu=True,
        bytes_per_megapixel=3e6,  # of the cache, three bytes a pixel
    ),
    _income(
        "12_evaluate_income",
        SCORE,
        "run",
        "predictions.csv metrics.csv confusion_matrix.csv classification_report.csv"
        " calibration.csv reliability.csv temperatures.csv spatial_autocorrelation.csv"
        " subgroups.csv added_value.csv distance.csv block_size.csv",
        "03 05 06 10 11",
        takes_gpu=True,
    ),
    _income(
        "13_project_activation",
        EXPLAIN,
        "run",
        "activation.parquet cell_activation.csv local_moments.parquet *_contribution.tif",
        "05 06 10 11",
        takes_gpu=True,
    ),
    _income(
        "14_landcover_statistics",
        EXPLAIN,
        "run",
        "activation_ratio.csv activation_contrast.csv contribution.csv coactivation.csv"
        " class_income.csv class_by_quintile.csv observed_association.csv"
        " observed_coassociation.csv ordering_agreement.csv local_effect.csv adjusted_effect.csv",
        "02 03 10 12 13",
    ),
    _income(
        "15_compare_variants",
        COMPARE,
        "run",
        "leakage.csv seeds.csv variance.csv",
        "10 12 14",
        reads_other_cities=True,
    ),
    _income(
        "16_control_attribution",
        COMPARE,
        "run",
        "attribution_controls.csv attribution_agreement.csv deletion.csv deletion_area.csv"
        " map_shift.csv nulls.csv",
        "02 05 06 10 11 12 13",
        takes_gpu=True,
    ),
    _income(
        "17_transfer_income",
        COMPARE,
        "run",
        "predictions_without_income.csv transfer.csv",
        "03 05 10 11 12",
        takes_gpu=True,
        reads_other_cities=True,
    ),
    _income(
        "18_recover_plants",
        COMPARE,
        "run",
        "recovery.csv recovery_summary.csv",
        "02 03 05 06 10 11 12 13",
        takes_gpu=True,
    ),
    _income("19_weigh_claims", COMPARE, "run", "claims.csv", "12 14 15 18"),
    _cities("20_make_demo_sites", MAKE, "data", "cities_truth.json"),
    _cities(
        "21_import_sites",
        DATA,
        "run",
        "sites.csv skipped.csv",
        "02 03 04",
        downloads=True,
        settles_variants=True,
    ),
    _cities("22_index_patches", SCORE, "run", "patches.parquet cities.csv", "21", expects=True),
    _cities(
        "23_train_cities",
        SCORE,
        "run",
        "weights.pt history.csv test_predictions.csv site_embeddings.parquet",
        "21 22",
        takes_fold=True,
        takes_gpu=True,
    ),
    _cities(
        "24_evaluate_cities",
        COMPARE,
        "run",
        "predictions.csv accuracy.csv confusion_matrix.csv most_confused.csv"
        " similarity_embedding.csv similarity_confusion.csv city_similarity.csv city_tree.csv"
        " city_map.csv",
        "21 22 23",
    ),
    _cities(
        "25_map_relevance",
        COMPARE,
        "run",
        "relevance.csv relevance_by_class.csv relevance_fragments.parquet",
        "02 21 22 23",
        takes_gpu=True,
    ),
    _cities("26_draw_cities", SHOW, "run", FIGURE_FILES, "21 24"),
    _cities("27_report_cities", SHOW, "run", "report.html", "21 24 25 26"),
    _income("80_export_layers", SHOW, "run", "*.gpkg", "02 03 05 06 10 12 13 17"),
    _income("90_show_status", STATUS, NO_RECORD),
    _income(
        "91_make_figures",
        SHOW,
        "run",
        FIGURE_FILES,
        "02 05 06 10 12 13 14 15 16 17 18",
        reads_other_cities=True,
    ),
    _income("92_make_report", SHOW, "run", "report.html", "02 03 05 06 10 12 13 14 15 16 18 19 91"),
    _income("93_tell_results", TELL, NO_RECORD, "", "12 14"),
    _income("94_refresh_pictures", "", NO_RECORD),
    _income("95_show_settings", "", NO_RECORD),
    _income("96_export_results", EXPORT, NO_RECORD),
    Entry(
        "97_compare_runs",
        SHOW,
        "data",
        ("report.html", "all_runs.csv"),
        ("12", "14", "19", "24", "27", "92"),
        experiment=BOTH,
    ),
    _income("98_start_cluster", "", NO_RECORD),
)


def find(script: str | Path) -> Entry:
    """The entry of a script, named by its file or by the name of it."""
    name = Path(script).stem
    return next(entry for entry in STEPS if entry.script == name)


def maker_of(path: Path, experiment: str = INCOME) -> str:
    """The script that makes a file.

    Args:
        path: Path of the file; its name decides.
        experiment: Where both experiments make a file of that name, the one that is meant.

    Returns:
        Name of the script, or `BY_HAND`.
    """
    makers = [entry for entry in STEPS if any(fnmatch(path.name, name) for name in entry.makes)]
    makers.sort(key=lambda entry: entry.experiment != experiment)
    return makers[0].script if makers else BY_HAND


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
