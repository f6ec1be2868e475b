"""Controls against what they must keep of the published map, and what they must not."""

import numpy as np
import pytest
import torch

from small_networks import SIZE_PX
from urbancam.explaining import activation, pixel_maps, projection, upsampling
from urbancam.explaining.attribution import controls


def maps_and_published(network, images, centre: bool = True):
    maps = activation.compute_maps(network, images, "2", centre)
    return maps, pixel_maps.project_published(maps, SIZE_PX, 99)


def same(got, expected) -> bool:
    return all(torch.equal(side, other) for side, other in zip(got, expected, strict=True))


def test_map_and_gradient_alone_multiply_to_the_published_map(network, images, pixels):
    maps, published = maps_and_published(network, images)
    names = ["gradient_alone", "map_alone"]
    got = controls.take_apart(names, maps, published, pixels, True, 100)
    for side in (0, 1):
        product = got["gradient_alone"][side] * got["map_alone"][side]
        clipped = upsampling.clip(product, 99)
        assert clipped.max() > 0
        assert torch.allclose(clipped, published[side], rtol=1e-9)


def test_other_centring_is_the_published_map_centred_the_other_way(network, images):
    maps, centred = maps_and_published(network, images)
    uncentred_maps, uncentred = maps_and_published(network, images, centre=False)
    assert same(controls.other_centring(maps, SIZE_PX, True, 99), uncentred)
    assert same(controls.other_centring(uncentred_maps, SIZE_PX, False, 99), centred)


def roll_back(labels: np.ndarray) -> np.ndarray:
    half = len(labels) // 2
    return np.roll(labels, (-half, -half), (0, 1))


def turn(labels: np.ndarray) -> np.ndarray:
    return labels[::-1, ::-1]


@pytest.mark.parametrize(
    ("move", "move_labels"),
    [(controls.shift_half, roll_back), (controls.turn_around, turn)],
)
@pytest.mark.parametrize("size", [8, 9])
def test_moving_the_map_is_moving_the_polygons_the_other_way(move, move_labels, size):
    random = np.random.default_rng(0)
    values = random.random((size, size))
    labels = random.integers(0, 4, (size, size))
    other_labels = move_labels(labels)
    moved_values = move(torch.from_numpy(values)).numpy()
    pixels = projection.LabelledPixels.group(labels, 3)
    other_pixels = projection.LabelledPixels.group(other_labels, 3)
    got = pixels.sums(pixels.arrange(moved_values))
    assert got == pytest.approx(other_pixels.sums(other_pixels.arrange(values)))
    assert np.bincount(other_labels.ravel()).tolist() == np.bincount(labels.ravel()).tolist()


def test_constant_image_has_no_edges_and_a_step_has_one():
    flat = torch.full((1, 3, 8, 8), 77, dtype=torch.uint8)
    step = flat.clone()
    step[..., 4:] = 177
    columns_with_edges = controls.sobel(step)[0].nonzero()[:, 1]
    assert controls.sobel(flat).max() == 0
    assert columns_with_edges.unique().tolist() == [3, 4]


def test_edges_are_of_the_grey_levels_of_torchvision():
    from torchvision.transforms.functional import rgb_to_grayscale

    pixels = torch.randint(0, 256, (2, 3, 8, 8), generator=torch.manual_seed(0))
    grey = rgb_to_grayscale(pixels.float())
    of_grey = controls.sobel(grey.expand(-1, 3, -1, -1) / sum(controls.LUMA))
    torch.testing.assert_close(controls.sobel(pixels), of_grey)


def test_edges_are_the_same_on_both_sides(network, images, pixels):
    maps, published = maps_and_published(network, images)
    poor, rich = controls.take_apart(["edges"], maps, published, pixels, True, 99)["edges"]
    assert torch.equal(poor, rich)
    assert poor.max() > 0
