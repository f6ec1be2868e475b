"""What the page over all runs and the page of the cities experiment are made from, for tests."""

import pandas as pd

from report_tables import claims, metrics
from urbancam.showing.report import cities_page, overview
from urbancam.showing.report.pictures import Picture

FACTS = {"answer": "It <does>.", "intervals": "95 %, blocks of 4 km", "rendered": True}


def entry(folder: str = "Demo/demo", **changes) -> overview.Entry:
    fields = {
        "folder": folder,
        "name": "A <b>city</b>",
        "run": "demo",
        "facts": FACTS,
        "date": "2026-01-01",
        "commit": "abcdef0123",
        "table": metrics(),
        "claims": claims(),
        "picture": True,
    }
    return overview.Entry(**fields | changes)


def accuracy(value: float = 0.8, low: float = 0.6) -> pd.DataFrame:
    row = {"trained_on": "run", "predictor": "network", "tested_on": "as_is", "subset": "all"}
    row |= {"name": "all", "metric": "accuracy", "value": value, "ci_low": low, "ci_high": 0.9}
    row |= {"n_patches": 750, "n_sites": 30, "n_cities": 5}
    return pd.DataFrame([row, row | {"subset": "city", "name": "Altmark", "value": 0.5}])


def cities_run(**changes) -> cities_page.CitiesRun:
    fields = {
        "run": "demo",
        "tables": {"accuracy": accuracy()},
        "figures": {"city_tree": Picture("city_tree", 1000, ("A tree.",))},
        "sheets": {"Altmark": ["relevance/Altmark/sheet_1.png"]},
        "settings": {"statistics.confidence": 0.95},
        "records": [],
        "credits": "Data: nobody's",
        "rendered": True,
    }
    return cities_page.CitiesRun(**fields | changes)
