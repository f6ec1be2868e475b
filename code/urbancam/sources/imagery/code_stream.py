"""The code stream of a JPEG 2000 file: its size, and whether all of its inner tiles are there.

Names of markers and segments are those of ISO/IEC 15444-1, annex A.
"""

import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

START = b"\xff\x4f\xff\x51"  # SOC and SIZ
SIZES_AT = 8  # bytes from the start to the first size in SIZ
SIZES_END = 40  # bytes from the start to the end of the last one
SEGMENT_AT = 2  # bytes from the start to SIZ, the first of the main header's segments
HEADER_BYTES = 65536  # within which the code stream begins
END = b"\xff\xd9"  # EOC
SOT = 0xFF90  # start of a part of an inner tile
PART_BYTES = 12  # of SOT and its segment


class CodeStream(NamedTuple):
    """The image that a code stream holds.

    Args:
        path: Path of the file.
        start: Where in the file it begins, bytes.
        width, height: Size of the image, px.
        columns, rows: Number of inner tiles beside and below each other, 1 where in one piece.
        has_offset: Whether the image begins elsewhere than at (0, 0) of the stream's own grid.
    """

    path: Path
    start: int
    width: int
    height: int
    columns: int
    rows: int
    has_offset: bool

    @property
    def is_one_piece(self) -> bool:
        return self.columns == self.rows == 1

    def has_all_tiles(self) -> bool:
        """Whether every inner tile is there, and the stream ends where it says.

        Only the heads of the tiles' parts are read.
        """
        tiles: set[int] = set()
        size_bytes = self.path.stat().st_size
        with self.path.open("rb") as file:
            place = _first_part(file, self.start + SEGMENT_AT)
            while place is not None and place < size_bytes:
                file.seek(place)
                head = file.read(PART_BYTES)
                if head[:2] == END:
                    return len(tiles) == self.columns * self.rows
                if len(head) < PART_BYTES:
                    return False
                marker, _, tile, part_bytes = struct.unpack_from(">HHHI", head)
                # 0 bytes would mean "to the end", which cannot be told from a file cut short.
                if marker != SOT or part_bytes < PART_BYTES:
                    return False
                tiles.add(tile)
                place += part_bytes
        return False


def find(path: Path) -> CodeStream | None:
    """The code stream of a file; None where there is none."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
    start = head.find(START)
    if start < 0 or len(head) < start + SIZES_END:
        return None

    # Xsiz to YTOsiz: corners of the image, size and origin of its inner tiles.
    x1, y1, x0, y0, tile_width, tile_height, tile_x0, tile_y0 = struct.unpack_from(
        ">8I", head, start + SIZES_AT
    )
    if not tile_width or not tile_height:
        return None
    return CodeStream(
        path=path,
        start=start,
        width=x1 - x0,
        height=y1 - y0,
        columns=-(-(x1 - tile_x0) // tile_width),  # rounded up
        rows=-(-(y1 - tile_y0) // tile_height),
        has_offset=bool(x0 or y0 or tile_x0 or tile_y0),
    )


def _first_part(file: BinaryIO, place: int) -> int | None:
    """Where the first part of an inner tile begins; None where the main header does not end.

    Args:
        file: The file, open for reading.
        place: Where the first segment of the main header begins, bytes.
    """
    while True:
        file.seek(place)
        head = file.read(4)
        if len(head) < 4:
            return None
        marker, length = struct.unpack(">HH", head)
        if marker == SOT:
            return place
        if length < 2:
            return None
        place += 2 + length  # the length counts itself, not its marker
