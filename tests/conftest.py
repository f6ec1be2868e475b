"""Before anything imports torch: waiting threads sleep instead of spinning, as the scripts have
it (command.guard)."""

import os

import pytest

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="module")
def one_thread():
    """This process computes with one thread, as processes with OMP_NUM_THREADS=1 do: threads
    enter the bytes."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
