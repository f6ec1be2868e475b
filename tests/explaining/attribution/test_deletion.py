"""Deletion and insertion against hand cases: where a curve starts, where it ends, who wins."""

import numpy as np
import pytest
import torch
from torch import nn

from small_networks import brightness
from urbancam.explaining.attribution import deletion

GRID = (4, 4)
ALL_RICH = torch.ones(3, dtype=torch.bool)
BRIGHT = brightness(nn.Identity())  # features that are the image itself


def curves_of(pixels, scores, rich) -> dict[str, np.ndarray]:
    """Deletion and insertion of the patches in the order of their scores."""
    curves = deletion.curves(BRIGHT, pixels, {"any": scores}, rich, GRID, 16, "pretrained")
    return {curve: values for (_, curve), values in curves.items()}


def random_scores() -> torch.Tensor:
    return torch.rand(3, 16, generator=torch.Generator().manual_seed(0))


def test_curves_start_at_nothing_and_end_at_the_other_image(pixels):
    curves = curves_of(pixels, random_scores(), torch.tensor([True, True, False]))
    whole = deletion.logits(BRIGHT, pixels.float(), "pretrained")
    blur = deletion.logits(BRIGHT, deletion.blur(pixels), "pretrained")
    expected = ((whole - blur) * torch.tensor([1, 1, -1])).numpy()
    for curve, sign in (("deletion", -1), ("insertion", 1)):
        assert (curves[curve][0] == 0).all()
        assert curves[curve][-1] == pytest.approx(sign * expected, abs=1e-5)


def test_insertion_is_deletion_backwards_in_the_opposite_order(pixels):
    scores = random_scores()
    insertion = curves_of(pixels, scores, ALL_RICH)["insertion"]
    backwards = curves_of(pixels, -scores, ALL_RICH)["deletion"][::-1]
    assert insertion == pytest.approx(backwards - backwards[0], abs=1e-5)


def test_the_order_that_the_logit_follows_beats_others(pixels):
    change = pixels.float() - deletion.blur(pixels)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    logit_change = deletion.patch_means((change / std).sum(1), GRID)
    best = curves_of(pixels, logit_change, ALL_RICH)["deletion"]
    other = curves_of(pixels, random_scores(), ALL_RICH)["deletion"]
    assert (best <= other + 1e-5).all()
    assert (best[8] < other[8]).all()


def test_blurring_keeps_a_constant_image_and_takes_single_pixels_away():
    image = torch.full((1, 3, 40, 40), 90, dtype=torch.uint8)
    assert torch.allclose(deletion.blur(image), torch.full((1, 3, 40, 40), 90.0))
    image[..., 20, 20] = 255
    assert deletion.blur(image).max() < 100


def test_patches_lie_on_their_own_pixels():
    patches = torch.arange(4.0).view(1, 4)
    got = deletion.on_pixels(patches, (2, 2), 5)[0]
    assert got[0].tolist() == [0, 0, 1, 1, 1]
    assert got[4].tolist() == [2, 2, 3, 3, 3]


def test_shares_of_patches_add_up_to_one():
    assert deletion.patch_shares(torch.ones(1, 4, 4), (2, 2)).tolist() == [[0.25] * 4]


def test_fractions_are_whole_patches():
    assert (deletion.fractions((2, 2), 10) * 4).tolist() == [0, 1, 2, 3, 4]
    assert len(deletion.fractions((6, 6), 10)) == 11
