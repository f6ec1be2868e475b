"""Before anything imports torch: one thread, and waiting ones sleep instead of spinning, as the
scripts have it (runner.guard). And which tests come first."""

import os

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Three tests at a time share two cores: a run of the tiny demo takes 99 CPU s with two threads, 75
# with one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Scripts are started hundreds of times: without its bytecode each compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MANY_MINUTES = ("test_positive_control.py", "test_pipeline.py", "test_cluster.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first and the slow ones next, so that all processes of `./run.sh
    test`, which share the tests by file, have work until the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        if item.path.name in MANY_MINUTES:
            return MANY_MINUTES.index(item.path.name)
        return len(MANY_MINUTES) + (item.path not in slow)

    items.sort(key=place)


@pytest.fixture(scope="module")
def one_thread():
    """This process computes with one thread, as processes with OMP_NUM_THREADS=1 do: threads
    enter the bytes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
