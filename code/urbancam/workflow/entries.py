"""What is known of one numbered script, and the words that say where it belongs.

Standard library only, as the catalogue of all of them.
"""

from dataclasses import dataclass

INCOME, CITIES = "income", "cities"  # the two experiments
BOTH = "both"  # of a script that serves them together

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
CHECK = "check"
FIGURE_FILES = "*.png *.pdf *.svg captions.md"
NO_RECORD = ""  # the scope of a script that leaves no result, so that nothing of its can be stale


@dataclass(frozen=True)
class Entry:
    """One numbered script.

    Attributes:
        script: Name of its file in `code/`, without `.py`.
        part: Part of the plan it belongs to; "" for a script that no plan calls.
        scope: "data" (a result for all cities), "city", "run", or `NO_RECORD`.
        makes: Names of the files it writes that other steps may read; patterns as of `Path.match`.
        reads: Numbers of the steps whose files it reads.
        takes_fold: Whether it takes `--fold`.
        takes_gpu: Whether it runs networks, which a GPU makes fast.
        expects: Whether disk and time are told once it is done, since the counts are known then.
        downloads: Whether it fetches from a provider that bears few at a time.
        settles_variants: Whether the variants that fit a city are known once it is done.
        reads_other_cities: Whether it reads results of the other cities at hand.
        takes_expect: Whether it takes `--expect`, and then only says what it would fetch.
        only_insee: Whether only a city of INSEE's cells needs it.
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
    only_insee: bool = False
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


def income_step(
    script: str, part: str, scope: str, makes: str = "", reads: str = "", **flags
) -> Entry:
    return Entry(script, part, scope, tuple(makes.split()), tuple(reads.split()), **flags)


def cities_step(
    script: str, part: str, scope: str, makes: str = "", reads: str = "", **flags
) -> Entry:
    return income_step(script, part, scope, makes, reads, experiment=CITIES, **flags)
