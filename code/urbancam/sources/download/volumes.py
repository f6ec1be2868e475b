"""Archives in several volumes (`X.7z.001`, `X.7z.002` ...), read as one file."""

import io
import re
import struct
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import shown

SEVEN_ZIP_MAGIC = b"7z\xbc\xaf\x27\x1c"
SIGNATURE_BYTES = 32  # magic, version, CRC, then offset and size of the header at the archive's end


def volumes(archive: Path) -> list[Path]:
    """The volumes of an archive, in order; the archive itself where it is in one piece.

    Args:
        archive: `X.zip`, `X.7z` or `X.7z.001`.

    Raises:
        InputError: a volume between the first and the last is missing.
    """
    found = re.fullmatch(r"(.*\.7z)\.(0*1)", archive.name, re.IGNORECASE)
    if not found:
        return [archive]
    stem, digits = found[1], len(found[2])
    numbers = sorted(
        int(path.name[len(stem) + 1 :])
        for path in archive.parent.iterdir()
        if path.name.startswith(stem + ".")
        and re.fullmatch(rf"\d{{{digits}}}", path.name[len(stem) + 1 :])
    )
    paths = [
        archive.with_name(f"{stem}.{number:0{digits}d}") for number in range(1, numbers[-1] + 1)
    ]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise InputError(
            f"volumes are missing: {', '.join(missing)}",
            shown(archive),
            "fetch them, then run again",
        )
    return paths


def check_whole(paths: list[Path]) -> None:
    """Refuse a 7z whose volumes together are shorter than its first bytes say.

    Raises:
        InputError: which volume is cut short, or that the last is missing.
    """
    with paths[0].open("rb") as file:
        signature = file.read(SIGNATURE_BYTES)
    if len(signature) < SIGNATURE_BYTES or not signature.startswith(SEVEN_ZIP_MAGIC):
        return  # no 7z: said where it is opened
    offset, size = struct.unpack_from("<QQ", signature, 12)
    lengths = [path.stat().st_size for path in paths]
    lacking = SIGNATURE_BYTES + offset + size - sum(lengths)
    if lacking > 0:
        full = max(lengths)
        short = [
            path.name for path, length in zip(paths[:-1], lengths, strict=False) if length < full
        ]
        culprit = ", ".join(short) or f"{paths[-1].name}, or one missing after it,"
        what = f"the archive lacks {lacking:,} bytes: {culprit} cut short"
        raise InputError(what, shown(paths[0]), "fetch it again")


class JoinedFiles(io.RawIOBase):
    """Several files read as one.

    `multivolumefile` would also take the `.md5` and `.part` files beside the volumes for volumes.
    """

    def __init__(self, paths: list[Path]) -> None:
        self._files = [path.open("rb") for path in paths]
        sizes = [path.stat().st_size for path in paths]
        self._starts = [sum(sizes[:i]) for i in range(len(sizes))]
        self.size_bytes, self._position = sum(sizes), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        if base + offset < 0:
            raise ValueError(f"negative position {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: memoryview) -> int:
        index = max(i for i, start in enumerate(self._starts) if start <= self._position)
        for file, start in zip(self._files[index:], self._starts[index:], strict=True):
            file.seek(max(self._position - start, 0))
            if count := file.readinto(buffer):
                self._position += count
                return count
        return 0

    def close(self) -> None:
        for file in self._files:
            file.close()
        super().close()
