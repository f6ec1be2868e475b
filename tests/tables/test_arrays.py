"""Arrays on disk, computed item by item.

What a kill and damage do to them is tested with images in test_datasets.
"""

import numpy as np
import pytest

from urbancam.tables import arrays

COUNTS = [2, 0, 3, 1]


def item_rows(item: int) -> np.ndarray:
    """Rows of an item: its number, and the row's own."""
    return np.array([[item, row] for row in range(COUNTS[item])]).reshape(-1, 2)


@pytest.mark.parametrize("workers", [1, 3])
def test_rows_of_all_items_in_order(tmp_path, workers):
    got = arrays.open_array(
        tmp_path / "a.npy", COUNTS, (2,), np.float32, item_rows, "counts", workers
    )
    assert got.dtype == np.float32 and not got.flags.writeable
    assert got.tolist() == [[0, 0], [0, 1], [2, 0], [2, 1], [2, 2], [3, 0]]


def test_second_call_computes_nothing(tmp_path):
    first = arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float32, item_rows, "counts")
    second = arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float32, None, "counts")
    assert (first == second).all()
    assert [path.suffix for path in tmp_path.glob("[!.]*")] == [".npy"]


def test_goes_on_after_the_last_mark(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK", 2)
    computed = []

    def make(item: int) -> np.ndarray:
        computed.append(item)
        if item == 3 and computed.count(3) == 1:
            raise KeyboardInterrupt
        return item_rows(item)

    with pytest.raises(KeyboardInterrupt):
        arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float32, make, "counts")
    got = arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float32, make, "counts")
    assert computed == [0, 1, 2, 3, 2, 3]
    assert got[:, 0].tolist() == [0, 0, 2, 2, 2, 3]


def test_other_shape_or_type_is_made_again(tmp_path):
    arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float64, item_rows, "counts")
    got = arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float32, item_rows, "counts")
    assert got.dtype == np.float32


def test_large_items_are_held_in_memory_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 1)
    got = arrays.open_array(tmp_path / "a.npy", COUNTS, (2,), np.float32, item_rows, "counts")
    assert len(got) == 6
