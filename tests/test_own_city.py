"""A city from the user's own files: its steps, its plan, what is said where a file is at fault."""

import json
from pathlib import Path
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely

from urbancam.tables import geoframes
from urbancam.workflow.cluster import tasks
from urbancam.workflow.paths import Paths
from urbancam.workflow.running import runner, scripts
from urbancam.workflow.running.job import Request
from urbancam.workflow.settings import settings

CITY = """
cells:
  source: file
  file: cells.gpkg
  value_name: rent
  value_unit: EUR a month and m2
  people_column: people
imagery: {pixel_size_m: 2}
"""


@pytest.fixture
def places(tmp_path) -> Paths:
    """A city of 6 x 5 cells of 250 m in Poland's system."""
    paths = Paths(tmp_path / "data", tmp_path / "results", "Poznan")
    paths.city_file.parent.mkdir(parents=True)
    paths.city_file.write_text(CITY)
    write_cells(paths.city_file.with_name("cells.gpkg"))
    return paths


def write_cells(file: Path, west: int = 357_000) -> None:
    x, y = np.meshgrid(west + 250 * np.arange(6), 506_250 + 250 * np.arange(5))
    x, y = x.ravel(), y.ravel()
    facts = {"id": [f"no {k}" for k in range(30)], "value": np.arange(30) + 4.5, "people": 12}
    squares = shapely.box(x, y, x + 250, y + 250)
    gpd.GeoDataFrame(facts, geometry=squares, crs="EPSG:2180").to_file(file)


def words(paths: Paths, *more: str, city: str = "Poznan") -> list[str]:
    folders = ["--data", str(paths.data), "--results", str(paths.results)]
    return ["--city", city, *folders, *more]


def select(paths: Paths, *more: str, city: str = "Poznan") -> int:
    return scripts.load("03_select_cells").main(words(paths, *more, city=city))


def request(paths: Paths) -> Request:
    return runner.read_request(scripts.load("90_show_status").parse_args(words(paths)))


@pytest.mark.slow
def test_city_of_its_own_cells_needs_no_census(places):
    listed = {task.script: task for task in tasks.list_tasks(request(places))}
    assert "01_download_census" not in listed and "02_import_urban_atlas" in listed
    assert not any("01_download_census" in task.needs for task in listed.values())
    places.city_file.write_text("imagery: {pixel_size_m: 2}")
    assert "01_download_census" in {task.script for task in tasks.list_tasks(request(places))}


def test_cells_of_a_file_are_the_city(places, capsys):
    assert select(places) == 0
    cells = geoframes.read(places.cells)
    assert len(cells) == 30 and cells.crs == "EPSG:2180" and cells["value"].sum() == 30 * 19
    record = json.loads(places.cells.with_name("cells.parquet.json").read_text())
    assert record["facts"] == {"side_m": 250, "crs": "EPSG:2180"}
    assert record["counts"]["people"] == 360


def test_what_the_value_is_called_makes_no_cell_stale_but_another_file_does(places, capfd):
    assert select(places) == 0
    places.city_file.write_text(CITY.replace("rent", "income"))
    assert select(places) == 0
    assert "up to date" in capfd.readouterr().out
    write_cells(places.city_file.with_name("cells.gpkg"), west=357_250)
    assert select(places) == 0
    assert "input differs" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("cells.gpkg", "cels.gpkg"), "cels.gpkg is missing"),
        (("pixel_size_m: 2", "pixel_size_m: 0.3"), "does not divide the side of a cell, 250 m"),
        (("people_column: people", "people_column: peple"), "did you mean people?"),
        (("value_name: rent", "value_nam: rent"), "did you mean cells.value_name?"),
    ],
)
def test_fault_of_a_city_is_one_message(places, capfd, change, message):
    places.city_file.write_text(CITY.replace(*change))
    assert select(places) == 2
    said = capfd.readouterr().err
    assert message in said and said.count("error: ") == 1 and "what to do" in said
    assert not places.cells.exists()


def test_cells_of_another_city_are_refused(places, capfd):
    assert select(places) == 0
    other = Paths(places.data, places.results, "Posen")
    other.city_file.parent.mkdir()
    other.city_file.write_text(CITY.replace("cells.gpkg", "../Poznan/cells.gpkg"))
    assert select(places, city="Posen") == 2
    assert "30 of 30 cells also lie in Poznan" in capfd.readouterr().err


def test_answer_that_the_page_over_all_runs_takes_calls_the_value_by_its_name(monkeypatch):
    report = scripts.load("92_make_report")
    facts = {"answer": "cells ordered by income", "credits": "incomes a.csv", "city": "Poznan"}
    monkeypatch.setattr("urbancam.showing.report.run_page.record_facts", lambda run: dict(facts))
    told = ["source=file", "file=a.csv", "value_name=rent", "value_unit=EUR a month and m2"]
    job = SimpleNamespace(settings=settings.load("default", [f"cells.{one}" for one in told]))
    got = report.told_facts(None, job)
    assert got["answer"] == "cells ordered by rent" and got["credits"] == "values of rent a.csv"
    assert got["city"] == "Poznan"
