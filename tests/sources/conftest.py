"""What tests of imagery that is fetched share."""

import pytest

from urbancam.sources.ign import atom


@pytest.fixture
def unhurried_index(monkeypatch):
    """IGN's index may be asked without a pause: the tests' own server bears it."""
    monkeypatch.setattr(atom, "INTERVAL_S", 0.0)


@pytest.fixture
def data(tmp_path):
    """A data folder whose drop folder of imagery is empty."""
    (tmp_path / "data" / "aerial_data").mkdir(parents=True)
    return tmp_path / "data"
