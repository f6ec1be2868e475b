"""Colours and random features against slow oracles; going on after a kill."""

import itertools

import numpy as np
import pytest
import torch
from scipy.signal import correlate

from urbancam.learning.features import of_images
from urbancam.workflow.settings import settings


def noise(size_px: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(size_px, size_px, 3), dtype=np.uint8)


def test_resize_takes_means_of_squares_and_never_enlarges():
    image = noise(4)
    got = of_images.resize(image, 2)[1, 0]
    expected = [image[:2, :2, 1].mean() / 255, image[:2, 2:, 1].mean() / 255]
    assert got.tolist() == pytest.approx(expected)
    assert of_images.resize(image, 100).shape == (3, 4, 4)


def test_colour_histogram_is_that_of_numpy_channel_by_channel():
    image = noise()
    got = of_images.colour_histogram(of_images.resize(image, 12), bins=8)
    expected = []
    for channel in range(3):
        counts, _ = np.histogram(image[:, :, channel] / 255, bins=8, range=(0, 1))
        expected.append(counts / 12**2)
    assert got.numpy() == pytest.approx(np.concatenate(expected))


def slow_whiten(patches: np.ndarray) -> np.ndarray:
    """By the eigenvalues, the patch and the window whitened one after the other."""
    patches = np.array([(p - p.mean()) / np.linalg.norm(p - p.mean()) for p in patches])
    values, vectors = np.linalg.eigh(sum(np.outer(p, p) for p in patches) / len(patches))
    whitening = vectors @ np.diag((values + 1e-3) ** -0.5) @ vectors.T
    return np.array([whitening @ (whitening @ p) for p in patches])


def test_whitening_agrees_with_its_definition():
    patches = np.random.default_rng(0).random((50, 12))
    assert of_images.whiten(patches) == pytest.approx(slow_whiten(patches))


def test_patch_of_one_colour_answers_to_nothing():
    patches = np.vstack([np.full(12, 0.3), np.random.default_rng(0).random((20, 12))])
    got = of_images.whiten(patches)
    assert got[0] == pytest.approx(np.zeros(12), abs=1e-9)
    assert np.isfinite(got).all()


@pytest.mark.parametrize("positions", [7, 1024])
def test_random_features_agree_with_correlation_position_by_position(monkeypatch, positions):
    monkeypatch.setattr(of_images, "POSITIONS_AT_ONCE", positions)
    filters = np.random.default_rng(1).normal(0, 2, size=(5, 27)).astype(np.float32)
    pixels = of_images.resize(noise(9), 9)
    got = of_images.random_features(pixels, torch.tensor(filters), patch_px=3).numpy()
    answers = [correlate(pixels.numpy(), f.reshape(3, 3, 3), mode="valid")[0] for f in filters]
    expected = [np.maximum(sign * a - 1, 0).mean() for sign in (1, -1) for a in answers]
    assert got == pytest.approx(np.array(expected), rel=1e-5, abs=1e-6)


def test_patches_are_windows_of_the_images(monkeypatch):
    monkeypatch.setattr(of_images, "POOL", 40)
    images = np.stack([noise(6, seed) for seed in range(4)])
    got = of_images.draw_patches(images, 6, 2, seed=0)
    windows = set()
    for row, y, x in itertools.product(range(4), range(5), range(5)):
        window = images[row, y : y + 2, x : x + 2]
        windows.add(tuple(window.transpose(2, 0, 1).ravel()))
    assert len(got) == 40
    assert {tuple(np.rint(255 * patch).astype(int)) for patch in got} <= windows
    assert (got == of_images.draw_patches(images, 6, 2, seed=0)).all()


def stack(cells: int = 5) -> np.ndarray:
    return np.stack([noise(64, seed) for seed in range(cells)])


def textures(images: np.ndarray, kept, *assignments: str) -> np.ndarray:
    run = settings.load("demo-tiny", ["baselines.patches=6", *assignments])
    cpu = torch.device("cpu")
    return np.array(of_images.describe_textures(images, run.baselines, run.seed, cpu, kept))


def test_each_image_has_its_row(tmp_path):
    section = settings.load("demo-tiny").baselines
    got = of_images.describe_colours(stack(), section, tmp_path / "colours.npy")
    expected = of_images.colour_histogram(of_images.resize(noise(64, 3), 64), 8)
    assert got.shape == (5, 24) and got.dtype == np.float32
    assert got[3] == pytest.approx(expected.numpy())
    answers = textures(stack(), tmp_path / "textures.npy")
    assert answers.shape == (5, 12)
    assert (answers.std(axis=0) > 0).any()
    again = textures(stack(), tmp_path / "again.npy")
    assert (answers == again).all()
    other = textures(stack(), tmp_path / "other.npy", "seed=1")
    assert (answers != other).any()


def test_a_killed_process_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("urbancam.tables.arrays.CHUNK", 2)
    asked = []

    class Breaking:
        """Images of which the fourth kills the process once."""

        def __getitem__(self, row):
            asked.append(row)
            if row == 3 and asked.count(3) == 1:
                raise KeyboardInterrupt
            return stack()[row]

        def __len__(self):
            return 5

    section, kept = settings.load("demo-tiny").baselines, tmp_path / "colours.npy"
    with pytest.raises(KeyboardInterrupt):
        of_images.describe_colours(Breaking(), section, kept)
    got = of_images.describe_colours(Breaking(), section, kept)
    assert asked == [0, 1, 2, 3, 2, 3, 4]
    expected = of_images.describe_colours(stack(), section, tmp_path / "whole.npy")
    assert (got == expected).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_agrees_with_the_cpu():
    image = of_images.resize(noise(40), 40)
    filters = torch.tensor(np.random.default_rng(1).normal(0, 2, size=(8, 27)), dtype=torch.float32)
    got = of_images.random_features(image.cuda(), filters.cuda(), 3)
    expected = of_images.random_features(image, filters, 3)
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-6)
    colours = of_images.colour_histogram(image.cuda(), 8)
    assert colours.cpu().tolist() == of_images.colour_histogram(image, 8).tolist()
