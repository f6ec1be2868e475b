"""What cities of full size would take, computed from measured rates: hours and gigabytes of Paris
and of all 38 functional urban areas. Nothing of it is measured on a city of that size.

Run     .venv/bin/python tests/benchmarks/projection.py [--docs]
"""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "code"))

from urbancam.workflow import cost_words, costs, settings  # noqa: E402
from urbancam.workflow.paths import Paths  # noqa: E402

PAGE = ROOT / "docs" / "performance.md"
START, END = "<!-- projection: from here -->", "<!-- projection: to here -->"
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


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        what: Step, and what it does.
        core_s: Seconds of one core; 0 where only disk is told.
        on_gpu: Whether a network does it, so that a GPU would.
        disk_bytes: Bytes that it leaves on disk.
    """

    what: str
    core_s: float
    on_gpu: bool = False
    disk_bytes: float = 0


def lines_of(cells: list[int]) -> list[Line]:
    """What cities of so many cells take together, each with a run `default` of its own."""
    asked = settings.load("default", [])
    with tempfile.TemporaryDirectory() as empty:  # nothing is cut or trained yet
        paths = Paths(Path(empty), Path(empty), "City")
        expected = [costs.of_income(asked, paths, count) for count in cells]

    def core_s(name: str) -> float:
        return sum(getattr(of_city, name) for of_city in expected)

    def disk(name: str) -> float:
        return sum(of_city.disk_bytes[name] for of_city in expected)

    networks = sum(of_city.networks for of_city in expected)
    return [
        Line("05 cutting images", core_s("cutting_s"), disk_bytes=disk("images")),
        Line("07 features of cells", core_s("measuring_s"), True),
        Line("11 decoded images", 0, disk_bytes=disk("cache")),
        Line(f"11 training {networks} networks", core_s("training_s"), True, disk("weights")),
        Line("13 maps", core_s("maps_s"), True),
        Line("16 controls of the maps", core_s("controls_s"), True),
        Line("18 rules on frozen features", core_s("plants_s"), True),
    ]


def markdown(title: str, cells: list[int]) -> list[str]:
    """The lines of a table of what cities of so many cells take together."""
    head = [f"{title}, {sum(cells):,} cells: computed", "2 cores", "16 cores"]
    head += ["16 cores and a GPU", "GB"]
    table = [f"| {' | '.join(head)} |", "|---|---|---|---|---|"]
    for line in lines_of(cells):
        hours = [
            cost_words.duration(line.core_s / cores) if line.core_s else "-" for cores in (2, 16)
        ]
        with_gpu = NOT_MEASURED if line.on_gpu else hours[1]
        size = f"{line.disk_bytes / 1e9:,.1f}" if line.disk_bytes else "-"
        table.append(f"| {line.what} | {hours[0]} | {hours[1]} | {with_gpu} | {size} |")
    return table


def page_part() -> str:
    """Both tables, as docs/performance.md has them."""
    paris = markdown("Paris", [CITIES["Paris"]])
    together = markdown(f"All {len(CITIES)} functional urban areas", list(CITIES.values()))
    return "\n".join([*paris, "", *together])


def main() -> None:
    text = page_part()
    print(text)
    if "--docs" in sys.argv[1:]:
        before, _, rest = PAGE.read_text().partition(START)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{START}\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
