"""Windows of a large JPEG 2000 file, in one piece as IGN's are, or in inner tiles.

GDAL reads such a file in blocks (of 1024 px, or the inner tiles), each with a decoder of its own
that walks through the file from its start: 0.56 s of CPU per million pixels of 16 384 x 16 384 px
in one piece (100 MB), .095 s of 10 000 x 10 000 px in inner tiles (18 MB), and more the larger the
file. The same library asked for a whole strip at once takes 0.11 s and .042 s. Therefore these
files go straight to OpenJPEG, the one that rasterio brings along; where it is not found, or a file
is of another kind or lacks inner tiles, GDAL reads them (slower, the same pixels).

Windows of a file in one piece share blocks of its code (64 px of a level, 2048 px of the image at
the coarsest), which a decoder that stays open does not decode again: strips of 128 rows then take
as long as the whole file at once.
"""

import ctypes
import ctypes.util
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


def is_one_piece(path: Path) -> bool:
    """Whether a file that `applies_to` speaks for is one code stream without inner tiles."""
    stream = code_stream.find(path)
    return stream is not None and stream.is_one_piece


def decode(
    path: Path,
    rows: tuple[int, int],
    columns: tuple[int, int],
    halvings: int = 0,
) -> np.ndarray:
    """One window of a file; arguments as of `Decoder`, result and errors as of its `decode`."""
    decoder = Decoder(path, halvings)
    try:
        return decoder.decode(rows, columns)
    finally:
        decoder.close()


class Decoder:
    """A decoder that has read a file's header.

    Of a file in one piece it serves one window after the other: it keeps the file's code and the
    blocks of the last window, and lets go of blocks that the next one does not reach. Of a file in
    inner tiles it serves one.

    Args:
        path: Path of the file.
        halvings: How often the resolution is halved.

    Raises:
        DecodingError: the header is damaged.
    """

    def __init__(self, path: Path, halvings: int = 0) -> None:
        self._library = library = _library()
        self._messages: list[str] = []
        self._handler = _MESSAGE(self._collect)  # lives as long as the codec
        self._image = ctypes.POINTER(_Image)()

        parameters = (ctypes.c_uint32 * (PARAMETERS_BYTES // 4))()
        library.opj_set_default_decoder_parameters(parameters)
        parameters[0] = halvings

        name = str(path).encode()
        # 1: to read
        self._stream = ctypes.c_void_p(library.opj_stream_create_default_file_stream(name, 1))
        self._codec = ctypes.c_void_p(library.opj_create_decompress(JP2_CODEC))
        library.opj_set_error_handler(self._codec, self._handler, None)
        ready = (
            self._stream
            and library.opj_setup_decoder(self._codec, parameters)
            and library.opj_read_header(self._stream, self._codec, ctypes.byref(self._image))
        )
        if not ready:
            self.close()
            raise DecodingError(" ".join(self._messages) or "its header cannot be read")

    def _collect(self, text: bytes, _: object) -> None:
        self._messages.append(text.decode(errors="replace").strip())

    def decode(self, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        """Decode a window.

        Args:
            rows: First row and one past the last, px of the whole image.
            columns: First column and one past the last, likewise.

        Returns:
            (3, H, W) uint8; H and W are rounded up where halved.

        Raises:
            DecodingError: damaged, cut short, or not three plain 8-bit bands.
        """
        left, right = columns
        top, bottom = rows
        library, codec, image = self._library, self._codec, self._image
        decoded = library.opj_set_decode_area(codec, image, left, top, right, bottom)
        decoded = decoded and library.opj_decode(codec, self._stream, image)
        if not decoded:
            raise DecodingError(" ".join(self._messages) or "OpenJPEG gives no reason")

        count = min(image.contents.components_count, 3)
        bands = [image.contents.components[band] for band in range(count)]
        rgb = count == 3 and image.contents.colour_space not in OTHER_COLOURS
        if not rgb or not all(_is_plain(band) for band in bands):
            raise DecodingError("its bands are not three of 8 bits and the same size")
        pixels = _pixels(bands)
        # Otherwise they would stay until the next window has been decoded.
        for band in bands:
            library.opj_image_data_free(band.data)
            band.data = None
        return pixels

    def close(self) -> None:
        """Give its memory back; it is not used again."""
        self._library.opj_destroy_codec(self._codec)
        if self._stream:
            self._library.opj_stream_destroy(self._stream)
        if self._image:
            self._library.opj_image_destroy(self._image)


class OpenDecoder:
    """The decoder of a process that stays open: that of the file in one piece used last."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._decoder: Decoder | None = None

    @property
    def is_open(self) -> bool:
        """Whether one holds the code of a file in memory."""
        return self._decoder is not None

    def decode(self, path: Path, rows: tuple[int, int], columns: tuple[int, int]) -> np.ndarray:
        """As `Decoder.decode`, of a file in one piece."""
        if self._decoder is None or path != self._path:
            self.close()
            self._path, self._decoder = path, Decoder(path)
        try:
            return self._decoder.decode(rows, columns)
        except DecodingError:
            self.close()
            raise

    def close(self) -> None:
        """Close it, if one is open."""
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = None


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
