"""The benchmarks run, at tiny size, come to the same result as the published way, and fill the
table."""

import mmap
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import measuring, run
from benchmarks.measuring import Benchmark, Target, Ways

COLUMNS = "what ours floor published ratio_to_floor speedup unit target met".split()
NAMES = [each.what for each in run.load_benchmarks()]


def spin(calls: int):
    """A way that takes so many times as long as with one call."""
    return lambda: sum(number * number for number in range(200_000 * calls))


# rasterio's own, where it reads beyond a raster's edge
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
@pytest.mark.slow
@pytest.mark.parametrize("asked", run.load_benchmarks(), ids=NAMES)
def test_benchmark_fills_its_row_at_tiny_size(asked):
    row = measuring.measure(asked, tiny=True)
    assert list(row)[: len(COLUMNS)] == COLUMNS
    if row["not_measured"]:
        pytest.skip(row["not_measured"])
    assert row["ours"] >= 0
    assert (row["published"] is None) == (row["speedup"] is None)


def test_names_of_benchmarks_are_there_once():
    assert len(set(NAMES)) == len(NAMES) > 0


@pytest.mark.slow
def test_ratios_are_of_the_ways_that_took_turns():
    ways = Ways(spin(4), spin(2), spin(12), lambda ours, published: None)
    asked = Benchmark("spinning", lambda tiny: ways, Target(ratio=4, speedup=4), "ms", repeats=3)
    row = measuring.measure(asked)
    assert 1.4 < row["ratio_to_floor"] < 2.8
    assert 2 < row["speedup"] < 4
    assert not row["met"]


def test_published_way_with_another_result_is_an_error():
    def check(ours, published):
        assert ours == published

    ways = Ways(lambda: 1, published=lambda: 2, check=check)
    with pytest.raises(AssertionError):
        measuring.measure(Benchmark("one", lambda tiny: ways, Target(), "ms", 1))


def test_row_says_why_it_is_not_measured():
    def prepare(tiny):
        raise measuring.NotMeasuredError("no GPU")

    row = measuring.measure(Benchmark("one", prepare, Target(ratio=1.1), "ms", 3))
    assert (row["ours"], row["ratio_to_floor"], row["met"]) == (None, None, None)
    lines = run.markdown(pd.DataFrame([row]), "this machine").splitlines()
    assert lines[-1].endswith(
        "| - | - | - | - | - | - | at most 1.1 of the floor | not measured: no GPU |"
    )


def test_target_is_met_where_all_of_it_is():
    target = Target(cap=20, ratio=1.15, speedup=8)
    assert target.is_met(20, 1.15, 8)
    assert not target.is_met(21, 1.15, 8)
    assert not target.is_met(20, 1.16, 8)
    assert not target.is_met(20, 1.15, 7.9)


def test_memory_asked_for_is_met_only_where_it_is_known():
    target = Target(memory_mb=1500)
    assert target.is_met(1, None, None, peak_mb=1500)
    assert not target.is_met(1, None, None, peak_mb=1501)
    assert not target.is_met(1, None, None, peak_mb=None)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells of memory")
def test_peak_is_of_what_ours_takes_and_no_other_way_takes():
    def take(megabytes: int) -> None:
        with mmap.mmap(-1, megabytes << 20) as piece:  # new, whatever the process keeps for later
            piece[:: mmap.PAGESIZE] = b"x" * len(range(0, len(piece), mmap.PAGESIZE))

    ways = Ways(lambda: take(100), floor=lambda: take(400))
    measuring.reset_peak()
    before = measuring.peak_mb()
    row = measuring.measure(Benchmark("one", lambda tiny: ways, Target(), "ms", repeats=2))
    assert 90 < row["peak_mb"] - before < 300


def test_table_of_the_page_is_replaced_and_the_rest_stays():
    page = f"before\n{run.START}\nold\n{run.END}\nafter\n"
    assert run.replace_table(page, "new") == page.replace("old", "new")


def test_rows_that_are_not_measured_again_stay_in_the_table(tmp_path):
    first, second = NAMES[:2]
    earlier = pd.DataFrame({"what": [first, second, "gone"], "ours": 1.0, "target": ""})
    earlier.to_csv(tmp_path / "benchmarks.csv", index=False)
    now = pd.DataFrame({"what": [second], "ours": [2.0], "target": ["at most 3"]})
    got = run.beside_earlier(now, tmp_path / "benchmarks.csv")
    assert got["what"].tolist() == [first, second]
    assert got["ours"].tolist() == [1, 2]
    assert got["target"].tolist() == ["", "at most 3"]


def test_table_of_the_page_says_what_is_not_measured():
    row = measuring.measure(Benchmark("one", lambda tiny: Ways(lambda: 1), Target(), "ms", 1))
    lines = run.markdown(pd.DataFrame([row]), "this machine").splitlines()
    assert lines[-1].startswith("| one | ms |")
    assert lines[-1].endswith("| - | - | - | - | - | - |")
