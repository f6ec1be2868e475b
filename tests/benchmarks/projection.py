"""What cities of full size would take, computed from measured rates: hours and gigabytes of Paris
and of all 38 functional urban areas. Nothing of it is measured on a city of that size.

Run     .venv/bin/python tests/benchmarks/projection.py [--docs]
"""

import argparse
import re
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "code"))

from urbancam.workflow import catalogue  # noqa: E402
from urbancam.workflow.paths import Paths  # noqa: E402
from urbancam.workflow.planning import cost_words, costs, rates  # noqa: E402
from urbancam.workflow.settings import settings  # noqa: E402

PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- projection: from here -->", "<!-- projection: to here -->"
# Step, CPU s, peak MB and MB left on disk, of the table that big_city.py writes
BIG_CITY_ROW = re.compile(r"^\| (\d\d_\w+) \| (\d+) \| \d+ \| (\d+) \| (\d+) \|", re.M)
# Cells of 200 m with income of the published study, by functional urban area (Abitbol & Karsai
# 2020, figure of cells by land cover and quintile, decoded; its sums over classes and quintiles)
CITIES = {
    "Paris": 68394,
    "Toulouse": 35989,
    "Bordeaux": 28626,
    "Rennes": 26965,
    "Marseille": 25920,
    "Nantes": 23303,
    "Lyon": 22613,
    "Rouen": 18086,
    "Le Mans": 16469,
    "Lille": 16357,
    "Angers": 14614,
    "Clermont-Ferrand": 12420,
    "Caen": 12194,
    "Brest": 12131,
    "Nice": 11863,
    "Orléans": 10987,
    "Quimper": 10438,
    "Saint-Brieuc": 10438,
    "Toulon": 9246,
    "Vannes": 8996,
    "Strasbourg": 8872,
    "Lorient": 8727,
    "Avignon": 8664,
    "Montpellier": 8370,
    "Saint-Nazaire": 7947,
    "Besançon": 7404,
    "Nîmes": 6995,
    "Amiens": 6643,
    "Dunkerque": 6612,
    "Cherbourg": 6519,
    "Valenciennes": 6059,
    "Perpignan": 6059,
    "Mulhouse": 6053,
    "Troyes": 6019,
    "Le Havre": 5868,
    "Evreux": 5443,
    "Metz": 5241,
    "Montbéliard": 5006,
}
NOT_MEASURED = "not measured"
# What a cell leaves on disk, measured on the demo city; its tables and small maps are as large at
# any size of image.
LEFT_BYTES = {"07": 7_200, "13": 9_600}


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: Step, and what it does.
        core_s: Seconds of one core; None where they were not measured.
        on_gpu: Whether a network does it, so that a GPU would.
        on_one_core: Whether further cores do not shorten it.
        disk_bytes: Bytes that it leaves on disk; None where they were not measured.
        memory_mb: Memory that it takes for the largest of the cities; None as above.
    """

    what: str
    core_s: float | None = None
    on_gpu: bool = False
    on_one_core: bool = False
    disk_bytes: float | None = None
    memory_mb: float | None = None


def lines_of(cells: list[int]) -> list[Line]:
    """What cities of so many cells take together, each with a run `default` of its own: a line for
    each step of the plan."""
    parts = catalogue.DATA, catalogue.SCORE, catalogue.EXPLAIN, catalogue.COMPARE, catalogue.SHOW
    entries = catalogue.steps_of("City", "default", *parts)
    measured = lines_by_benchmarks(len(cells)) | lines_by_rates(cells) | lines_by_tables(cells)
    return [
        measured.get(entry.number) or Line(title(entry.script), on_gpu=entry.takes_gpu)
        for entry in entries
        if entry.experiment == catalogue.INCOME
    ]


def title(script: str) -> str:
    """The name of a step as the table has it."""
    return script.replace("_", " ")


def lines_by_benchmarks(cities: int) -> dict[str, Line]:
    """Steps that are measured as a whole by a line of the page's first table, by their number: the
    census is read once for all cities, and each city chosen from it."""
    lines = {}
    for script, (benchmark, times) in {
        "01_download_census": ("first import of a census", 1),
        "03_select_cells": ("selecting a city", cities),
    }.items():
        row = re.search(rf"^\| {benchmark}[^|]* \| s[^|]* \| ([\d.]+) ", PAGE.read_text(), re.M)
        lines[script[:2]] = Line(title(script), float(row[1]) * times, on_one_core=True)
    return lines


def lines_by_rates(cells: list[int]) -> dict[str, Line]:
    """The steps that work on images, by their number: counts times the rates of one core."""
    asked = settings.load("default", [])
    with tempfile.TemporaryDirectory() as empty:  # nothing is cut or trained yet
        paths = Paths(Path(empty), Path(empty), "City")
        expected = [costs.of_income(asked, paths, count) for count in cells]

    def core_s(name: str) -> float:
        return sum(getattr(of_city, name) for of_city in expected)

    def disk(name: str) -> float:
        return sum(of_city.disk_bytes[name] for of_city in expected)

    left = {number: size * sum(cells) for number, size in LEFT_BYTES.items()}
    networks = sum(of_city.networks for of_city in expected)
    training = f"11 train income, {networks} networks"
    training_mb = rates.training_mb(asked.training, asked.image)
    return {
        "05": Line("05 cut images", core_s("cutting_s"), disk_bytes=disk("images")),
        "07": Line("07 measure cells", core_s("measuring_s"), True, disk_bytes=left["07"]),
        "11": Line(
            training,
            core_s("training_s"),
            True,
            disk_bytes=disk("weights") + disk("cache"),
            memory_mb=training_mb,
        ),
        "13": Line("13 project activation", core_s("maps_s"), True, disk_bytes=left["13"]),
        "16": Line("16 control attribution", core_s("controls_s"), True),
        "18": Line("18 recover plants", core_s("plants_s"), True),
    }


def lines_by_tables(cells: list[int]) -> dict[str, Line]:
    """The steps that read only tables, by their number: what they took of the made city of Paris's
    size, as the page has it."""
    page = PAGE.read_text()
    measured_cells = int(re.search(r"CPU s, ([\d,]+) cells", page)[1].replace(",", ""))
    share = sum(cells) / measured_cells
    lines = {}
    for script, cpu_s, memory_mb, disk_mb in BIG_CITY_ROW.findall(page):
        if not catalogue.find(script).takes_gpu:
            lines[script[:2]] = Line(
                title(script),
                float(cpu_s) * share,
                on_one_core=True,
                disk_bytes=float(disk_mb) * 1e6 * share,
                memory_mb=float(memory_mb),
            )
    return lines


def markdown(heading: str, cells: list[int]) -> list[str]:
    """The lines of a table of what cities of so many cells take together."""
    head = [f"{heading}, {sum(cells):,} cells: computed", "2 cores", "16 cores"]
    head += ["16 cores and a GPU", "GB left on disk", "GB of memory"]
    table = [f"| {' | '.join(head)} |", "|---|---|---|---|---|---|"]
    for line in lines_of(cells):
        hours = [time_words(line, cores) for cores in (2, 16)]
        with_gpu = NOT_MEASURED if line.on_gpu else hours[1]
        sizes = [gigabytes(line.disk_bytes), gigabytes(line.memory_mb and line.memory_mb * 1e6)]
        table.append(f"| {' | '.join([line.what, *hours, with_gpu, *sizes])} |")
    return table


def time_words(line: Line, cores: int) -> str:
    """How long a step takes with so many cores."""
    if line.core_s is None:
        return NOT_MEASURED
    return cost_words.duration(line.core_s / (1 if line.on_one_core else cores))


def gigabytes(size_bytes: float | None) -> str:
    """A size as the table has it, "-" where it was not measured."""
    return "-" if size_bytes is None else f"{size_bytes / 1e9:,.1f}"


def page_part() -> str:
    """Both tables, as docs/performance.md has them."""
    paris = markdown("Paris", [CITIES["Paris"]])
    together = markdown(f"All {len(CITIES)} functional urban areas", list(CITIES.values()))
    return "\n".join([*paris, "", *together])


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--docs", action="store_true", help="write the tables of the docs too")
    return parser.parse_args(argv)


def main() -> None:
    args = parse_args()
    text = page_part()
    print(text)
    if args.docs:
        before, _, rest = PAGE.read_text().partition(START)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
