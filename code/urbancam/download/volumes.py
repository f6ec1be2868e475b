"""Archives in several volumes (`X.7z.001`, `X.7z.002` ...), read as one file."""

import io
import re
from pathlib import Path

from urbancam.errors import InputError
from urbancam.paths import shown


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
        if path.name.startswith(stem + ".") and re.fullmatch(rf"\d{{{digits}}}", path.name[len(stem) + 1 :])
    )
    paths = [archive.with_name(f"{stem}.{number:0{digits}d}") for number in range(1, numbers[-1] + 1)]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise InputError(
            f"volumes are missing: {', '.join(missing)}", shown(archive), "fetch them, then run again"
        )
    return paths


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
