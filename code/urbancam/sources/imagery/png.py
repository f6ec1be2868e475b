"""PNG files that say what they were made from.

The file carries a text chunk with JSON (the note), so that a resumed run reads a few hundred bytes
of each image to know whether it is whole and still right. Measured on 1000 x 1000 px of IGN's
imagery: the average filter with zlib's level 1 takes 33 ms and 1.72 MB, Pillow's own choice of
filters 61 ms and 1.86 MB at level 1, 193 ms and 2.02 MB at level 6.
"""

import json
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import display_path

# Names and lengths of the format are those of the PNG specification (W3C, third edition).
SIGNATURE = b"\x89PNG\r\n\x1a\n"
KEYWORD = b"UrbanCAM"  # of the text chunk
AVERAGE_FILTER = 3
BIT_DEPTH = 8
RGB = 2  # colour type
ZLIB_LEVEL = 1
HEADER_BYTES = len(SIGNATURE) + 25  # signature and IHDR
CHUNK_FRAME_BYTES = 12  # length, type, CRC
NOTE_BYTES_MAX = 65536


def write(path: Path, image: np.ndarray, note: dict[str, Any]) -> None:
    """Write an image and its note; the file appears whole or not at all.

    Args:
        path: Path of the PNG.
        image: (H, W, 3) uint8, RGB.
        note: What `read_note` will give back; must survive JSON.
    """
    height, width, _ = image.shape
    header = struct.pack(">IIBBBBB", width, height, BIT_DEPTH, RGB, 0, 0, 0)
    data = zlib.compress(_filtered(image), ZLIB_LEVEL)
    # The length of the data tells later whether the file is whole.
    content = json.dumps(note | {"data_bytes": len(data)}, sort_keys=True)
    text = KEYWORD + b"\0" + content.encode("ascii")
    chunks = [
        _chunk(b"IHDR", header),
        _chunk(b"tEXt", text),
        _chunk(b"IDAT", data),
        _chunk(b"IEND", b""),
    ]
    with atomic(path) as temporary:
        temporary.write_bytes(SIGNATURE + b"".join(chunks))


def read_note(path: Path) -> dict[str, Any] | None:
    """The note of a whole PNG.

    Returns:
        None where the file is missing, cut short, damaged at its ends or by another hand.
    """
    # Only the two ends of the file are read.
    try:
        with path.open("rb") as file:
            start = file.read(HEADER_BYTES + 8)
            if not start.startswith(SIGNATURE) or start[-4:] != b"tEXt":
                return None
            text_bytes = int.from_bytes(start[-8:-4], "big")
            body = file.read(min(text_bytes, NOTE_BYTES_MAX) + 4)
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(size_bytes - CHUNK_FRAME_BYTES, 0))
            end = file.read()
    except FileNotFoundError:
        return None

    text = body[:-4]
    crc = body[-4:]
    if crc != _crc(b"tEXt" + text) or end != _chunk(b"IEND", b""):
        return None
    keyword, _, content = text.partition(b"\0")
    if keyword != KEYWORD:
        return None

    # A file that lost something between its ends is shorter than its note says.
    note = json.loads(content)
    data_bytes = note.pop("data_bytes")
    whole_bytes = HEADER_BYTES + 3 * CHUNK_FRAME_BYTES + text_bytes + data_bytes
    return note if size_bytes == whole_bytes else None


def read_pixels(path: Path, mode: str, maker: str) -> np.ndarray | None:
    """A picture's pixels, uint8: (H, W, 3) in mode "RGB", (H, W) in mode "L".

    Args:
        path: Path of the picture.
        mode: As Pillow names it.
        maker: Script that makes the picture, for the message.

    Returns:
        None where there is no file.

    Raises:
        InputError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert(mode))
    except (OSError, SyntaxError) as error:
        raise InputError(
            f"a picture cannot be read: {error}", display_path(path), f"run {maker} with --force"
        ) from None


def _filtered(image: np.ndarray) -> np.ndarray:
    """(H, 1 + 3 W) uint8: PNG's filter type, and rows of the image behind filter 3.

    The filter takes from each byte the floored mean of the pixel above and the one to the left.
    """
    height, width, _ = image.shape
    rows = np.ascontiguousarray(image, np.uint8).reshape(height, width * 3)
    above = np.zeros_like(rows)
    above[1:] = rows[:-1]
    left = np.zeros_like(rows)
    left[:, 3:] = rows[:, :-3]

    # floor((a + b) / 2) without leaving 8 bits
    mean = (above >> 1) + (left >> 1) + (above & left & 1)
    filtered = np.empty((height, width * 3 + 1), np.uint8)
    filtered[:, 0] = AVERAGE_FILTER
    np.subtract(rows, mean, out=filtered[:, 1:])
    return filtered


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of the file: length, kind, data, checksum."""
    return len(data).to_bytes(4, "big") + kind + data + _crc(kind + data)


def _crc(content: bytes) -> bytes:
    """Checksum of a chunk's kind and data."""
    return zlib.crc32(content).to_bytes(4, "big")
