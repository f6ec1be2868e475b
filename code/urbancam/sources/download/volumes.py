"""Archives in several volumes (`X.7z.001`, `X.7z.002` ...), read as one file."""

import io
import re
import struct
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import display_path

SEVEN_ZIP_MAGIC = b"7z\xbc\xaf\x27\x1c"
SIGNATURE_BYTES = 32  # magic, version, CRC, then offset and size of the header at the archive's end
VOLUME = re.compile(r"(.*\.7z)\.(\d+)", re.IGNORECASE)
FIRST_VOLUME = re.compile(r"(.*\.7z)\.(0*1)", re.IGNORECASE)
HEADER_PLACE = 12  # byte of the signature at which the header's offset and size stand


class IncompleteError(InputError):
    """An archive is not whole yet: a volume is missing, or a file was cut short."""


def volumes(archive: Path) -> list[Path]:
    """The volumes of an archive, in order; the archive itself where it is in one piece.

    Args:
        archive: `X.zip`, `X.7z` or `X.7z.001`.

    Raises:
        IncompleteError: A volume between the first and the last is missing.
    """
    match = FIRST_VOLUME.fullmatch(archive.name)
    if not match:
        return [archive]
    stem = match[1]
    digits = len(match[2])
    last = max(_volume_numbers(archive.parent, stem, digits), default=1)
    paths = [archive.with_name(f"{stem}.{number:0{digits}d}") for number in range(1, last + 1)]
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        what = f"volumes are missing: {', '.join(missing)}"
        raise IncompleteError(what, display_path(archive), "fetch them, then run again")
    return paths


def later_volumes(first: Path) -> list[int]:
    """The numbers of the other volumes beside the first one, which itself may be missing."""
    match = FIRST_VOLUME.fullmatch(first.name)
    if not match:
        return []
    numbers = _volume_numbers(first.parent, match[1], len(match[2]))
    return [number for number in numbers if number > 1]


def first_volume(path: Path) -> Path:
    """The place of the first volume of an archive of which the path is some volume."""
    match = VOLUME.fullmatch(path.name)
    return path.with_name(f"{match[1]}.{1:0{len(match[2])}d}") if match else path


def _volume_numbers(folder: Path, stem: str, digits: int) -> list[int]:
    """The numbers of the volumes in a folder; files such as `X.7z.md5` are none."""
    endings = [
        path.name.removeprefix(stem + ".")
        for path in folder.iterdir()
        if path.name.startswith(stem + ".")
    ]
    return [int(ending) for ending in endings if re.fullmatch(rf"\d{{{digits}}}", ending)]


def check_whole(paths: list[Path]) -> None:
    """Refuse a 7z whose volumes together are shorter than its first bytes say.

    Raises:
        IncompleteError: Which volume is cut short, or that the last is missing.
    """
    with paths[0].open("rb") as file:
        signature = file.read(SIGNATURE_BYTES)
    if not signature.startswith(SEVEN_ZIP_MAGIC):
        return  # no 7z: whoever opens it says so
    if len(signature) < SIGNATURE_BYTES:
        what = f"it has only {len(signature)} bytes"
        raise IncompleteError(what, display_path(paths[0]), "fetch it again")
    # The header stands at the very end, so its end is the archive's.
    header_offset, header_bytes = struct.unpack_from("<QQ", signature, HEADER_PLACE)
    lengths = [path.stat().st_size for path in paths]
    missing_bytes = SIGNATURE_BYTES + header_offset + header_bytes - sum(lengths)
    if missing_bytes <= 0:
        return

    # All volumes but the last have the same length.
    short_volumes = [
        path.name
        for path, length in zip(paths[:-1], lengths, strict=False)
        if length < max(lengths)
    ]
    culprit = ", ".join(short_volumes) or f"{paths[-1].name}, or one missing after it,"
    what = f"the archive lacks {missing_bytes:,} bytes: {culprit} cut short"
    raise IncompleteError(what, display_path(paths[0]), "fetch it again")


class JoinedFiles(io.RawIOBase):
    """Several files read as one.

    `multivolumefile` would also take the `.md5` and `.part` files beside the volumes for volumes.

    Args:
        paths: Files in their order.
    """

    def __init__(self, paths: list[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        sizes = [path.stat().st_size for path in paths]
        self._starts = [sum(sizes[:i]) for i in range(len(sizes))]  # of each file in the whole
        self._position = 0
        self.size_bytes = sum(sizes)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}
        position = bases[whence] + offset
        if position < 0:
            raise ValueError(f"negative position {position}")
        self._position = position
        return position

    def readinto(self, buffer: memoryview) -> int:
        """Read from the file of the position, or from the next one that still has bytes."""
        # Empty files share their start with the next one.
        first = max(i for i, start in enumerate(self._starts) if start <= self._position)
        for file, start in zip(self._files[first:], self._starts[first:], strict=True):
            file.seek(max(self._position - start, 0))
            byte_count = file.readinto(buffer)
            if byte_count:
                self._position += byte_count
                return byte_count
        return 0

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()
