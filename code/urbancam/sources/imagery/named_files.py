"""The rasters that `imagery.files` names, and the files that a virtual one leads to.

Standard library only: a step says what it depends on before anything heavy is imported.
"""

from glob import glob
from pathlib import Path
from xml.etree import ElementTree

VIRTUAL = ".vrt"


def named_files(patterns: list[str], root: Path) -> dict[str, list[Path]]:
    """The files of each pattern, sorted; a file that two patterns name is of the first.

    Args:
        patterns: Paths, or patterns of the shell (`*`, `?`, `[ab]`, `**` for any folders).
        root: Folder that relative ones start from.
    """
    files: dict[str, list[Path]] = {}
    seen: set[Path] = set()
    for pattern in patterns:
        place = root / Path(pattern).expanduser()
        # A file may hold a `*` or `[` in its own name.
        names = [place] if place.is_file() else map(Path, glob(str(place), recursive=True))
        files[pattern] = sorted(path for path in names if path.is_file() and path not in seen)
        seen.update(files[pattern])
    return files


def with_sources(path: Path) -> list[Path]:
    """A file, and where it is a virtual raster all files that it leads to, there or not."""
    files = {path: None}
    todo = [path]
    while todo:
        sources = [source for source in _sources(todo.pop()) if source not in files]
        files |= dict.fromkeys(sources)
        todo += sources
    return list(files)


def _sources(path: Path) -> list[Path]:
    """The files that a virtual raster names itself, sorted; none of any other file."""
    if path.suffix.lower() != VIRTUAL or not path.is_file():
        return []
    try:
        nodes = list(ElementTree.parse(path).iter("SourceFilename"))
    except ElementTree.ParseError:
        return []  # whoever opens it says what is wrong
    sources = set()
    for node in nodes:
        is_relative = node.get("relativeToVRT") == "1"
        sources.add((path.parent if is_relative else Path()) / (node.text or ""))
    return sorted(sources)
