"""Colour changes: what stays, what goes."""

import colorsys

import numpy as np

from urbancam.cities import colour


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 5, 3)).astype(np.uint8)


def test_grey_is_luma_in_all_channels():
    got = colour.grey(picture(), np.random.default_rng(0))
    expected = picture() @ np.array([0.299, 0.587, 0.114])
    assert got.dtype == np.uint8 and np.abs(got - expected[..., None]).max() <= 1


def test_grey_leaves_nothing_for_hue():
    got = colour.chain(colour.grey, colour.jitter)(picture(), np.random.default_rng(1))
    assert (got == got[..., :1]).all()


def test_jitter_is_one_change_for_the_whole_image_and_differs_between_draws():
    flat = np.full((4, 4, 3), (90, 120, 60), dtype=np.uint8)
    seen = {colour.jitter(flat, np.random.default_rng(s))[0, 0].tobytes() for s in range(20)}
    assert len(seen) > 15
    assert len(np.unique(colour.jitter(flat, np.random.default_rng(0)).reshape(-1, 3), axis=0)) == 1


def test_hue_turns_no_further_than_it_may():
    flat = np.full((1, 1, 3), (40, 200, 80), dtype=np.uint8)
    hues = [
        colorsys.rgb_to_hsv(*colour.jitter(flat, np.random.default_rng(s))[0, 0] / 255)[0]
        for s in range(50)
    ]
    start = colorsys.rgb_to_hsv(40 / 255, 200 / 255, 80 / 255)[0]
    assert (
        max(abs(h - start) for h in hues) < colour.HUE_RANGE + 0.03 and max(hues) - min(hues) > 0.1
    )


def test_chain_of_nothing_is_nothing():
    assert colour.chain(None, None) is None and colour.chain(None, colour.grey) is not None
