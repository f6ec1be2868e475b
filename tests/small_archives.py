"""Small archives as the providers wrap theirs, for tests."""

import random
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import multivolumefile
import py7zr

BODY = random.Random(0).randbytes(50_000)
FILES = {
    "pack/a.txt": b"aaa" * 100,
    "pack/deep/b.bin": BODY,
    "empty.txt": b"",
    "c.shp": b"shape",
}


def make_zip(path: Path, files: dict[str, bytes] = FILES) -> Path:
    """Write a compressed zip."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def make_7z(path: Path, files: dict[str, bytes] = FILES) -> Path:
    """Write a compressed 7z of one block."""
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(content, name)
    return path


def make_volumes(path: Path, volume_bytes: int = 10_000) -> Path:
    """Write a 7z without compression in volumes; returns the first of them."""
    filters = [{"id": py7zr.FILTER_COPY}]
    with multivolumefile.MultiVolume(path, "wb", volume=volume_bytes, ext_digits=3) as volume:
        with py7zr.SevenZipFile(volume, "w", filters=filters) as archive:
            for name, content in FILES.items():
                archive.writestr(content, name)
    return path.with_name(path.name + ".001")
