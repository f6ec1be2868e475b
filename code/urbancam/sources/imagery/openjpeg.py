"""Windows of a large JPEG 2000 file, in one piece as IGN's are, or in inner tiles.

GDAL reads such a file in blocks (of 1024 px, or the inner tiles), each with a decoder of its own
that walks through the file from its start: 0.56 s of CPU per million pixels of 16 384 x 16 384 px
in one piece (100 MB), .095 s of 10 000 x 10 000 px in inner tiles (18 MB), and more the larger the
file. The same library asked for a whole strip at once takes 0.11 s and .042 s. Therefore these
files go straight to OpenJPEG, the one that rasterio brings along; where it is not found, or a file
is of another kind or lacks inner tiles, GDAL reads them (slower, the same pixels).
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio

from urbancam.sources.imagery import code_stream

SMALLEST_PX = 1024  # GDAL reads smaller files in one block itself
JP2_CODEC = 2  # OPJ_CODEC_JP2
# More than any version's opj_dparameters_t (8.4 kB); its first field is cp_reduce.
PARAMETERS_BYTES = 32768
BYTE_BITS = 8
OTHER_COLOURS = (3, 4, 5)  # sYCC, e-YCC and CMYK would need a conversion


class DecodingError(Exception):
    """OpenJPEG cannot decode the file."""


class _Component(ctypes.Structure):
    """opj_image_comp_t of OpenJPEG 2."""

    _names = "dx dy width height x0 y0 bits bpp signed resolutions factor"
    _fields_ = [(name, ctypes.c_uint32) for name in _names.split()]
    _fields_ += [
        ("data", ctypes.POINTER(ctypes.c_int32)),
        ("alpha", ctypes.c_uint16),
    ]


class _Image(ctypes.Structure):
    """opj_image_t of OpenJPEG 2."""

    _names = "x0 y0 x1 y1 components_count"
    _fields_ = [(name, ctypes.c_uint32) for name in _names.split()]
    _fields_ += [
        ("colour_space", ctypes.c_int32),
        ("components", ctypes.POINTER(_Component)),
        ("profile", ctypes.c_void_p),
        ("profile_bytes", ctypes.c_uint32),
    ]


def applies_to(path: Path) -> bool:
    """Whether a file is a large JPEG 2000 image, whole, and OpenJPEG is at hand."""
    if path.suffix.lower() != ".jp2" or _library() is None:
        return False
    stream = code_stream.find(path)
    if stream is None or stream.has_offset or max(stream.width, stream.height) <= SMALLEST_PX:
        return False
    # The library leaves an inner tile black, without a word, that a file cut short has lost.
    return stream.is_one_piece or stream.has_all_tiles()


def decode(
    path: Path,
    rows: tuple[int, int],
    columns: tuple[int, int],
    halvings: int = 0,
) -> np.ndarray:
    """Decode a window.

    Args:
        path: Path of the file.
        rows: First row and one past the last, px of the whole image.
        columns: First column and one past the last, likewise.
        halvings: How often the resolution is halved.

    Returns:
        (3, H, W) uint8; H and W are rounded up where halved.

    Raises:
        DecodingError: damaged, cut short, or not three plain 8-bit bands.
    """
    with _decoder(path, halvings) as (library, codec, stream, image, messages):
        left, right = columns
        top, bottom = rows
        decoded = library.opj_set_decode_area(codec, image, left, top, right, bottom)
        decoded = decoded and library.opj_decode(codec, stream, image)
        if not decoded:
            raise DecodingError(" ".join(messages) or "OpenJPEG gives no reason")

        count = min(image.contents.components_count, 3)
        bands = [image.contents.components[band] for band in range(count)]
        rgb = count == 3 and image.contents.colour_space not in OTHER_COLOURS
        if not rgb or not all(_is_plain(band) for band in bands):
            raise DecodingError("its bands are not three of 8 bits and the same size")
        return _pixels(bands)


def _is_plain(band: _Component) -> bool:
    """Whether a band holds bytes, one for every pixel."""
    one_per_pixel = band.dx == band.dy == 1
    return bool(band.data) and one_per_pixel and band.bits == BYTE_BITS and not band.signed


def _pixels(bands: list[_Component]) -> np.ndarray:
    """(3, H, W) uint8: a copy of what the library holds as four bytes a value."""
    pixels = np.empty((len(bands), bands[0].height, bands[0].width), np.uint8)
    for band, values in zip(bands, pixels, strict=True):
        wide = np.ctypeslib.as_array(band.data, values.shape)
        np.copyto(values, wide, casting="unsafe")  # plain bands hold 0 to 255
    return pixels


@contextmanager
def _decoder(path: Path, halvings: int) -> Iterator[tuple]:
    """A decoder that has read the header: (library, codec, stream, image, messages).

    It is used for one window, since it keeps all it ever decoded, four bytes a value.
    """
    library = _library()
    messages: list[str] = []

    def collect(text: bytes, _: object) -> None:
        messages.append(text.decode(errors="replace").strip())

    handler = _MESSAGE(collect)  # a name of its own, so that it lives as long as the codec

    parameters = (ctypes.c_uint32 * (PARAMETERS_BYTES // 4))()
    library.opj_set_default_decoder_parameters(parameters)
    parameters[0] = halvings

    image = ctypes.POINTER(_Image)()
    name = str(path).encode()
    stream = ctypes.c_void_p(library.opj_stream_create_default_file_stream(name, 1))  # to read
    codec = ctypes.c_void_p(library.opj_create_decompress(JP2_CODEC))
    try:
        library.opj_set_error_handler(codec, handler, None)
        ready = (
            stream
            and library.opj_setup_decoder(codec, parameters)
            and library.opj_read_header(stream, codec, ctypes.byref(image))
        )
        if not ready:
            raise DecodingError(" ".join(messages) or "its header cannot be read")
        yield library, codec, stream, image, messages
    finally:
        library.opj_destroy_codec(codec)
        if stream:
            library.opj_stream_destroy(stream)
        if image:
            library.opj_image_destroy(image)


_MESSAGE = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_void_p)


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL | None:
    """OpenJPEG 2.3 or newer: that of rasterio's wheel, else the system's; None without any."""
    for name in [*_shipped_libraries(), ctypes.util.find_library("openjp2")]:
        if name is None:
            continue
        library = ctypes.CDLL(name)
        library.opj_version.restype = ctypes.c_char_p
        version = library.opj_version().decode()
        major, minor = version.split(".")[:2]
        if major == "2" and int(minor) >= 3:  # since 2.3 a window costs what it holds
            library.opj_create_decompress.restype = ctypes.c_void_p
            library.opj_stream_create_default_file_stream.restype = ctypes.c_void_p
            return library
    return None


def _shipped_libraries() -> list[str]:
    """The copies of OpenJPEG that came with rasterio's wheel, on Linux or macOS."""
    package = Path(rasterio.__file__).parent
    folders = (package.parent / "rasterio.libs", package / ".dylibs")
    return [str(path) for folder in folders for path in folder.glob("*openjp2*")]
