"""By what code and which packages a result was made."""

import contextlib
import importlib.metadata
import subprocess

from urbancam.workflow.paths import ROOT

PACKAGES = (
    "numpy pandas scipy scikit-learn pyarrow geopandas shapely pyogrio pyproj rasterio torch "
    "torchvision efficientnet-pytorch grad-cam zennit py7zr matplotlib"
).split()


def package_versions() -> dict[str, str]:
    """Versions of the packages that results depend on, of those that are installed."""
    versions = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


def code_commit() -> str | None:
    """The git commit of the code, with "+changes" where the tree differs from it.

    None outside git.
    """
    try:
        commit = _git("rev-parse", "HEAD")
        return commit + ("+changes" if _git("status", "--porcelain", "code") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
