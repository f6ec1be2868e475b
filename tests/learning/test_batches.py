"""Batches: which items, how often, in what proportion."""

import numpy as np

from urbancam.learning.inputs.batches import BatchSchedule


def test_balanced_batches_hold_each_class_twice_without_repeats():
    classes = np.repeat(np.arange(5), [10, 12, 14, 16, 18])
    batches = BatchSchedule(classes, 10, 250, balanced=True, seed=0).epoch(0)
    assert len(batches) == 250
    assert all((np.bincount(classes[batch]) == 2).all() for batch in batches)
    items = np.concatenate(batches[:5])  # one full pass over class 0
    assert len(set(items[classes[items] == 0])) == 10


def test_virtual_epochs_run_on_where_the_last_one_stopped():
    schedule = BatchSchedule(np.zeros(12), 4, 2, balanced=False, seed=0)
    items = np.concatenate([*schedule.epoch(0), *schedule.epoch(1)])
    assert sorted(items[:12]) == list(range(12))


def test_whole_epochs_visit_every_item():
    batches = BatchSchedule(np.zeros(10), 4, None, balanced=False, seed=0).epoch(3)
    assert sorted(np.concatenate(batches)) == list(range(10))


def test_whole_epochs_leave_no_batch_of_one():
    batches = BatchSchedule(np.zeros(9), 4, None, balanced=False, seed=0).epoch(0)
    assert [len(batch) for batch in batches] == [4, 4]


def test_drawn_epochs_are_as_long_as_the_data_and_balanced_on_average():
    classes = np.repeat([0, 1, 2], [700, 200, 100])
    batches = BatchSchedule(classes, 128, None, balanced="drawn", seed=0).epoch(0)
    assert [len(batch) for batch in batches] == [128] * 7 + [104]
    items = np.concatenate(batches)
    shares = np.bincount(classes[items]) / len(items)
    assert np.allclose(shares, 1 / 3, atol=0.06)


def test_drawn_items_of_a_class_are_alike_likely():
    classes = np.repeat([0, 1], [3, 9])
    schedule = BatchSchedule(classes, 12, 1000, balanced="drawn", seed=0)
    got = np.bincount(np.concatenate(schedule.epoch(0))) / 12_000
    expected = np.repeat([1 / 6, 1 / 18], [3, 9])
    assert np.allclose(got, expected, atol=0.01)
    assert not np.array_equal(schedule.epoch(0)[0], schedule.epoch(1)[0])
