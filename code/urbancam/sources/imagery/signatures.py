"""Signatures of imagery files: equal after unpacking the same archive again."""

import hashlib
from pathlib import Path

import numpy as np

from urbancam.sources.imagery.named_files import with_sources

SAMPLES = 16  # samples of a tile's content
SAMPLE_BYTES = 4096  # size of each


def signature(path: Path) -> str:
    """Hash of a file's size and of samples of its content; of a virtual raster's files too.

    It is the same after unpacking the same archive again.
    """
    files = [file for file in with_sources(path) if file.is_file()]
    if len(files) > 1:
        signatures = "".join(map(_signature, files))
        return hashlib.blake2b(signatures.encode(), digest_size=12).hexdigest()
    return _signature(path)


def _signature(path: Path) -> str:
    """As `signature`, of one file."""
    size_bytes = path.stat().st_size
    digest = hashlib.blake2b(str(size_bytes).encode(), digest_size=12)
    # Samples lie evenly over the file, the last one at its end.
    last_start = max(size_bytes - SAMPLE_BYTES, 0)
    with path.open("rb") as file:
        for start in np.linspace(0, last_start, SAMPLES, dtype=np.int64):
            file.seek(int(start))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()
