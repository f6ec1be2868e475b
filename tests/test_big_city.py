"""The large city of the benchmarks: the demo side by side, taken through steps, its rows."""

import pandas as pd
import pytest

from benchmarks import big_city, projection, tiled_city


@pytest.mark.slow
def test_copies_of_the_demo_go_through_steps_and_their_memory_is_told(tmp_path):
    demo = tiled_city.make_demo(tmp_path, "demo-tiny")
    city = tmp_path / "results" / big_city.CITY
    cells = tiled_city.tile(demo, 6, city)
    images = pd.read_csv(city / "images.csv")
    assert cells == len(images) == images["idINSPIRE"].nunique()
    assert all((city / path).is_file() for path in images["path"])

    scripts = ["06_cut_land_cover", "10_assign_folds", "11_train_income"]
    measured = big_city.take_through(tmp_path / "results", tmp_path / "demo-data", scripts)
    fragments = pd.read_parquet(city / "fragments.parquet")
    per_cell = fragments.groupby("idINSPIRE")["area_m2"].sum()
    assert len(per_cell) == cells  # each copy lies on land cover of its own
    assert all(cost["cpu_s"] > 0 and cost["peak_mb"] > 20 for cost in measured.values())
    again = big_city.take_through(tmp_path / "results", tmp_path / "demo-data", scripts)
    assert again == measured  # what was measured is not run again


def test_steps_are_those_of_the_plan_from_land_cover_to_report():
    scripts = big_city.steps()
    assert scripts[0] == "06_cut_land_cover" and scripts[-1] == "92_make_report"
    assert {script[:2] for script in scripts} >= {str(number) for number in range(10, 18)}


def test_row_says_whether_time_and_memory_grow_faster_than_the_cells():
    small = {"cpu_s": 10.0, "wall_s": 12.0, "peak_mb": 200.0, "disk_mb": 2.0}
    linear = {"cpu_s": 40.0, "wall_s": 50.0, "peak_mb": 260.0, "disk_mb": 7.0}
    row = big_city.row("06_cut_land_cover", [1000, 4000], [small, linear])
    assert row["growth"] == pytest.approx(1) and row["kb_a_cell"] == pytest.approx(20)
    assert row["met"]
    table = big_city.markdown(pd.DataFrame([row]))
    assert "| 1.00 | 20.0 | yes |" in table
    assert "Not measured: 07_measure_cells, 10_assign_folds" in table
    slower = linear | {"cpu_s": 50.0}
    larger = linear | {"peak_mb": 300.0}
    for worse in (slower, larger):
        assert not big_city.row("06_cut_land_cover", [1000, 4000], [small, worse])["met"]


def test_projection_is_of_every_city_and_step_and_says_what_is_not_measured():
    assert len(projection.CITIES) == 38 and projection.CITIES["Paris"] == 68_394
    paris, twice = (projection.lines_of([68_394] * count) for count in (1, 2))
    numbers = [line.what[:2] for line in paris]
    assert numbers[0] == "01" and [step[:2] for step in big_city.steps()] == numbers[5:]
    for one, two in zip(paris[1:], twice[1:], strict=True):
        assert two.core_s == (one.core_s and pytest.approx(2 * one.core_s))
        assert two.disk_bytes == (one.disk_bytes and pytest.approx(2 * one.disk_bytes))
        assert two.memory_mb == one.memory_mb  # one city after the other
    assert twice[0].core_s == paris[0].core_s  # the census is read once
    text = projection.page_part()
    assert "computed" in text and projection.NOT_MEASURED in text


def test_projection_takes_steps_of_tables_as_the_made_city_measured_them(tmp_path, monkeypatch):
    cost = {"cpu_s": 40.0, "wall_s": 50.0, "peak_mb": 600.0, "disk_mb": 20.0}
    row = big_city.row("06_cut_land_cover", [1000, 4000], [cost, cost])
    page = tmp_path / "page.md"
    page.write_text(big_city.markdown(pd.DataFrame([row])))
    monkeypatch.setattr(projection, "PAGE", page)
    (line,) = projection.lines_by_tables([8000, 2000]).values()
    assert (line.core_s, line.disk_bytes, line.memory_mb) == (100, 50e6, 600)
    words = [projection.time_words(line, cores) for cores in (2, 16)]
    assert words == ["2 min", "2 min"]  # one process


def test_page_holds_the_projection_of_todays_rates():
    page = projection.PAGE.read_text()
    assert projection.page_part() in page
