"""PNG files that say what they were made from."""

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from small_packs import noise
from urbancam.sources.imagery import png


def test_png_reads_back_and_carries_its_note(tmp_path):
    image = noise(5, 50)
    note = {"void_fraction": 0.25, "tiles": ["é.jp2"]}
    png.write(tmp_path / "a.png", image, note)
    assert png.read_note(tmp_path / "a.png") == note
    with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
        with rasterio.open(tmp_path / "a.png") as file:
            got = file.read().transpose(1, 2, 0)
    np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize("end", [0, 20, 60, 5000, -13, -1])
def test_truncated_png_has_no_note(tmp_path, end):
    png.write(tmp_path / "a.png", noise(5, 50), {"a": 1})
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:end])
    assert png.read_note(tmp_path / "a.png") is None


def test_png_without_its_middle_has_no_note(tmp_path):
    png.write(tmp_path / "a.png", noise(5, 50), {"a": 1})
    content = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(content[:500] + content[900:])
    assert png.read_note(tmp_path / "a.png") is None


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    start=st.sampled_from([b"", png.SIGNATURE, png.SIGNATURE + b"\0\0\0\rIHDR"]),
    rest=st.binary(max_size=200),
)
def test_any_file_may_stand_where_an_image_should(tmp_path, start, rest):
    (tmp_path / "a.png").write_bytes(start + rest)
    assert png.read_note(tmp_path / "a.png") is None
