"""The pipeline's own tables: what is written comes back, damage is named."""

import pandas as pd
import pytest

from urbancam.tables import frames
from urbancam.workflow.errors import InputError

TABLE = pd.DataFrame({"idINSPIRE": ["a", "b"], "p": [0.1, 0.2]})


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_written_comes_back(tmp_path, suffix):
    frames.write(TABLE, tmp_path / f"table{suffix}")
    pd.testing.assert_frame_equal(frames.read(tmp_path / f"table{suffix}"), TABLE)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff damaged"])
def test_damage_is_named_with_what_to_do(tmp_path, suffix, content):
    path = tmp_path / f"table{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError, match="what to do: delete it"):
        frames.read(path, ["p"])


def test_missing_file_and_column_are_named(tmp_path):
    with pytest.raises(InputError, match="is missing"):
        frames.read(tmp_path / "table.csv")
    frames.write(TABLE, tmp_path / "table.parquet")
    with pytest.raises(InputError, match="logit"):
        frames.read(tmp_path / "table.parquet", ["logit"])
