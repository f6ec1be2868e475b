"""Folders of images as users drop them in, and runs of the step that lists them, for tests."""

from pathlib import Path

import numpy as np
from PIL import Image

from samples import run_script
from urbancam.workflow.paths import Paths


def draw(path: Path, size_px: int = 24, mode: str = "RGB", seed: int = 0) -> None:
    """An image of noise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    noise = random.integers(0, 256, (size_px, size_px, 3), dtype=np.uint8)
    Image.fromarray(noise).convert(mode).save(path)


def drop_images(top: Path) -> Path:
    """Three cities of one or two sites, and what users leave lying about; the folder of them."""
    folder = top / "data" / "cities_data"
    draw(folder / "Oslo (OSL)" / "site10" / "a.jpg")
    draw(folder / "Oslo (OSL)" / "site2" / "a.jpg", seed=1)
    draw(folder / "raw" / "Rome (FCO)" / "x" / "deep" / "b.PNG")
    draw(folder / "Lyon" / "x" / "c.tif")
    draw(folder / "Oslo (OSL)" / "stray.jpg")
    draw(folder / "top.png")
    (folder / "Lyon" / "x" / "notes.txt").write_text("no image")
    (folder / "Lyon" / "x" / "Thumbs.db").touch()
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "c.tif").touch()
    return folder


def import_sites(folder: Path, *words) -> int:
    """Step 21 on a folder of images; its exit code."""
    top = folder.parents[1]
    places = ["--data", top / "data", "--results", top / "results"]
    return run_script("21", *places, "--workers", "2", *words)


def paths_of(folder: Path, run: str = "default") -> Paths:
    """Where that step reads and writes."""
    return Paths(folder.parent, folder.parents[1] / "results", "cities", run)
