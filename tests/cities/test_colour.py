"""Colour changes: what stays, what goes."""

import colorsys

import numpy as np
import pytest

from urbancam.cities import colour


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)


def jittered(shade: tuple[int, int, int], seed: int) -> np.ndarray:
    """An image of one shade, changed."""
    flat = np.full((4, 4, 3), shade, dtype=np.uint8)
    return colour.jitter(flat, np.random.default_rng(seed))


def test_grey_is_luma_in_all_channels(picture):
    got = colour.grey(picture, np.random.default_rng(0))
    expected = picture @ np.array([0.299, 0.587, 0.114])
    assert got.dtype == np.uint8
    assert np.abs(got - expected[..., None]).max() <= 1


def test_grey_leaves_nothing_for_hue(picture):
    change = colour.chain(colour.grey, colour.jitter)
    got = change(picture, np.random.default_rng(1))
    assert (got == got[..., :1]).all()


def test_jitter_is_one_change_for_the_whole_image():
    got = jittered((90, 120, 60), seed=0)
    assert len(np.unique(got.reshape(-1, 3), axis=0)) == 1


def test_jitter_differs_between_draws():
    shades = {jittered((90, 120, 60), seed)[0, 0].tobytes() for seed in range(20)}
    assert len(shades) > 15


def test_hue_turns_no_further_than_it_may():
    shades = [jittered((40, 200, 80), seed)[0, 0] / 255 for seed in range(50)]
    hues = np.array([colorsys.rgb_to_hsv(*shade)[0] for shade in shades])
    start = colorsys.rgb_to_hsv(40 / 255, 200 / 255, 80 / 255)[0]
    assert np.abs(hues - start).max() < colour.HUE_RANGE + 0.03
    assert hues.max() - hues.min() > 0.1


def test_chain_of_nothing_is_nothing():
    assert colour.chain(None, None) is None
    assert colour.chain(None, colour.grey) is not None
