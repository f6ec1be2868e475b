"""Colours and random features against slow oracles; their cache."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy.signal import correlate

from urbancam.learning import image_features
from urbancam.workflow import settings
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths


def noise(size_px: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(size_px, size_px, 3), dtype=np.uint8)


def test_resize_takes_means_of_squares_and_never_enlarges():
    image = noise(4)
    got = image_features.resize(image, 2)[1, 0]
    expected = [image[:2, :2, 1].mean() / 255, image[:2, 2:, 1].mean() / 255]
    assert got.tolist() == pytest.approx(expected)
    assert image_features.resize(image, 100).shape == (3, 4, 4)


def test_colour_histogram_is_that_of_numpy_channel_by_channel():
    image = noise()
    got = image_features.colour_histogram(image_features.resize(image, 12), bins=8)
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
    assert image_features.whiten(patches) == pytest.approx(slow_whiten(patches))


def test_patch_of_one_colour_answers_to_nothing():
    patches = np.vstack([np.full(12, 0.3), np.random.default_rng(0).random((20, 12))])
    got = image_features.whiten(patches)
    assert got[0] == pytest.approx(np.zeros(12), abs=1e-9)
    assert np.isfinite(got).all()


@pytest.mark.parametrize("positions", [7, 1024])
def test_random_features_agree_with_correlation_position_by_position(monkeypatch, positions):
    monkeypatch.setattr(image_features, "POSITIONS_AT_ONCE", positions)
    filters = np.random.default_rng(1).normal(0, 2, size=(5, 27)).astype(np.float32)
    pixels = image_features.resize(noise(9), 9)
    got = image_features.random_features(pixels, torch.tensor(filters), patch_px=3).numpy()
    answers = [correlate(pixels.numpy(), f.reshape(3, 3, 3), mode="valid")[0] for f in filters]
    expected = [np.maximum(sign * a - 1, 0).mean() for sign in (1, -1) for a in answers]
    assert got == pytest.approx(np.array(expected), rel=1e-5, abs=1e-6)


def test_patches_are_windows_of_the_images_that_may_be_drawn_from(monkeypatch):
    monkeypatch.setattr(image_features, "POOL", 40)
    images = np.stack([noise(6, seed) for seed in range(4)])
    rows = np.array([1, 3])
    got = image_features.draw_patches(images, rows, 6, 2, seed=0)
    windows = set()
    for row, y, x in itertools.product(rows, range(5), range(5)):
        window = images[row, y : y + 2, x : x + 2]
        windows.add(tuple(window.transpose(2, 0, 1).ravel()))
    assert len(got) == 40
    assert {tuple(np.rint(255 * patch).astype(int)) for patch in got} <= windows
    assert (got == image_features.draw_patches(images, rows, 6, 2, seed=0)).all()


@pytest.fixture
def town(tmp_path) -> Paths:
    paths = Paths(tmp_path / "data", tmp_path, "Town", "demo-tiny")
    paths.images.mkdir(parents=True)
    ids = [f"cell{i}" for i in range(5)]
    for number, name in enumerate(ids):
        Image.fromarray(noise(64, number)).save(paths.images / f"{name}.png")
    table = pd.DataFrame({"idINSPIRE": ids, "path": [f"images/{name}.png" for name in ids]})
    table.to_csv(paths.images_table, index=False)
    return paths


def features(town: Paths, ids: list[str], *assignments: str) -> dict[str, np.ndarray]:
    run = settings.load("demo-tiny", assignments)
    return image_features.cell_features(
        town, pd.Series(ids), run.image, run.baselines, run.seed, 1, torch.device("cpu")
    )


def test_features_of_cells_in_the_order_asked(town):
    got = features(town, ["cell3", "cell0"], "baselines.patches=6")
    assert list(got) == ["colour_histogram", "random_features"]
    assert got["colour_histogram"].shape == (2, 24)
    assert got["random_features"].shape == (2, 12)
    expected = image_features.colour_histogram(image_features.resize(noise(64, 3), 64), 8)
    assert got["colour_histogram"][0] == pytest.approx(expected.numpy())
    assert np.isfinite(got["random_features"]).all()
    assert (got["random_features"].std(axis=0) > 0).any()


def test_features_are_computed_once_and_again_when_something_changes(town):
    ids = ["cell0", "cell1"]
    first = features(town, ids)
    for image in town.images.iterdir():
        image.unlink()
    next(town.cache.glob("images_*")).unlink()
    assert (features(town, ids)["random_features"] == first["random_features"]).all()
    with pytest.raises(InputError, match="an image cannot be read"):
        features(town, ids[::-1])
    for change in ("baselines.patch_px=5", "seed=1"):
        with pytest.raises(InputError, match="an image cannot be read"):
            features(town, ids, change)


def test_features_of_images_that_have_changed_are_removed(town):
    features(town, ["cell0"])
    town.images_table.write_text(town.images_table.read_text() + "\n")
    features(town, ["cell0", "cell1"])
    assert len(list(town.cache.glob("features_*.npy"))) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_gpu_agrees_with_the_cpu():
    image = image_features.resize(noise(40), 40)
    filters = torch.tensor(np.random.default_rng(1).normal(0, 2, size=(8, 27)), dtype=torch.float32)
    got = image_features.random_features(image.cuda(), filters.cuda(), 3)
    expected = image_features.random_features(image, filters, 3)
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-4, atol=1e-6)
    colours = image_features.colour_histogram(image.cuda(), 8)
    assert colours.cpu().tolist() == image_features.colour_histogram(image, 8).tolist()
