"""A user's table of numbers by cell: what is read, and what is refused in one message."""

import numpy as np
import pandas as pd
import pytest

from samples import cell_id
from urbancam.learning.features.of_files import read_features
from urbancam.workflow.errors import InputError

IDS = [cell_id(column, 0) for column in range(4)]
CELLS = pd.DataFrame({"idINSPIRE": IDS, "source_id": ["01", "02", "3", "x"]})


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"idINSPIRE": IDS, "a": [1, 2, 3, 4], "b": 0.5} | columns)


def write(frame: pd.DataFrame, path, **options):
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, **options)
    else:
        frame.to_parquet(path, **options)
    return path


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.csv", {}),
        ("a.csv", {"sep": ";"}),
        ("a.csv", {"sep": "\t", "encoding": "utf-8-sig"}),
        ("a.parquet", {}),
    ],
)
def test_numbers_are_read_from_csv_and_parquet_alike(tmp_path, name, options):
    got = read_features(write(table().iloc[[2, 0]], tmp_path / name, **options), CELLS)
    assert got["idINSPIRE"].tolist() == [IDS[2], IDS[0]]
    assert got[["a", "b"]].to_numpy().tolist() == [[3, 0.5], [1, 0.5]]
    assert {kind.kind for kind in got[["a", "b"]].dtypes} == {"f"}


def test_ids_may_be_the_users_own_or_the_index(tmp_path):
    own = pd.DataFrame({"source_id": ["x", "01"], "a": [1.0, 2.0]})
    got = read_features(write(own, tmp_path / "own.csv"), CELLS)
    assert got["idINSPIRE"].tolist() == [IDS[3], IDS[0]]
    indexed = table().set_index("idINSPIRE")
    got = read_features(write(indexed, tmp_path / "indexed.parquet"), CELLS)
    assert got["idINSPIRE"].tolist() == IDS


def test_a_number_that_a_row_lacks_is_none(tmp_path):
    got = read_features(write(table(a=[1, None, 3, 4]), tmp_path / "a.csv"), CELLS)
    assert np.isnan(got.loc[1, "a"]) and got.loc[1, "b"] == 0.5


FAULTS = {
    "unknown": (table(idINSPIRE=[*IDS[:2], "here", "there"]), "2 of 4 rows of cells that the city"),
    "twice": (table(idINSPIRE=[*IDS[:3], IDS[0]]), f"1 of 4 .* comes twice, the first {IDS[0]}"),
    "no id": (table(idINSPIRE=[*IDS[:3], None]), "1 of 4 rows without an id"),
    "words": (table(town=list("wxyz")), "1 columns that are not numbers: town"),
    "endless": (table(b=[np.inf, 0, 0, 0]), "infinite numbers in b"),
    "no numbers": (table()[["idINSPIRE"]], "no column beside the ids"),
    "no rows": (table(a=1.0).iloc[:0].astype({"a": float}), "it has no row"),
    "no key": (table().rename(columns={"idINSPIRE": "cell"}), "no column idINSPIRE or source_id"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_table_of_numbers_by_cell_is_refused(tmp_path, fault):
    frame, message = FAULTS[fault]
    path = write(frame, tmp_path / "mine.parquet")
    with pytest.raises(InputError, match=message) as caught:
        read_features(path, CELLS)
    assert "mine.parquet" in caught.value.where and caught.value.do


def test_all_faults_are_told_at_once(tmp_path):
    frame = table(idINSPIRE=[IDS[0], IDS[0], "here", IDS[1]], town="x")
    with pytest.raises(InputError, match="town.*comes twice.*does not have"):
        read_features(write(frame, tmp_path / "a.csv"), CELLS)


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff no table \x93"])
def test_a_damaged_file_is_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_features(tmp_path / name, CELLS)
    assert name in caught.value.where and "Parquet" in caught.value.do or "ids" in caught.value.do
