"""Copies of the project in which the front door is called and settings may be edited, for
tests."""

import os
import shutil
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]


def make_house(folder: Path) -> Path:
    """A copy of the project with the same Python environment, so that settings may be edited in
    it."""
    shutil.copytree(ROOT / "code", folder / "code", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "environment", folder / "environment")
    shutil.copy(ROOT / "run.sh", folder)
    lend_python(folder)
    return folder


def lend_python(house: Path) -> None:
    """The project's Python environment, with a mark of the house's own: whatever a test does to
    the lock, nobody sets up or spoils the environment of the project."""
    (house / ".venv").mkdir()
    for path in (ROOT / ".venv").iterdir():
        (house / ".venv" / path.name).symlink_to(path)
    mark = house / ".venv" / "requirements.lock"
    mark.unlink(missing_ok=True)
    shutil.copy(house / "environment" / "requirements.lock", mark)


def run_sh(house: Path, *words: str, env: dict | None = None) -> subprocess.CompletedProcess:
    command = ["bash", str(house / "run.sh"), *words]
    return subprocess.run(
        command, capture_output=True, text=True, env=os.environ | (env or {}), cwd=house
    )


def edit_settings(house: Path, run: str, **sections: dict) -> None:
    overlay = house / "code" / "config" / f"{run}.yaml"
    values = yaml.safe_load(overlay.read_text())
    for section, changes in sections.items():
        values.setdefault(section, {}).update(changes)
    overlay.write_text(yaml.safe_dump(values))
