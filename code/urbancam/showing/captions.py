"""The captions of a folder's figures, as a text beside them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from urbancam.workflow.records.provenance import code_commit

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    from urbancam.showing.figures.style import PaperFigure
    from urbancam.workflow.settings.sections import Figures

FILE = "captions.md"
WAYS = frozenset({"figures.formats", "figures.captions_inside"})  # the same figures either way


def write_captions(captions: Mapping[str, tuple[str, ...]], source: str) -> str:
    """The captions as Markdown: a heading for each figure, and the paragraphs of its caption.

    Args:
        captions: Name of the figure -> paragraphs.
        source: City, run and commit.
    """
    parts = [f"# Figures of {source}"]
    for name, paragraphs in captions.items():
        parts += [f"## {name}", *paragraphs]
    return "\n\n".join(parts) + "\n"


def read_captions(text: str) -> dict[str, tuple[str, ...]]:
    """What `write_captions` wrote: name of the figure -> paragraphs of its caption."""
    _, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    captions = {}
    for section in sections:
        name, *paragraphs = section.strip().split("\n\n")
        captions[name] = tuple(paragraphs)
    return captions


def name_source(city: str, run: str) -> str:
    """What figures are of: "Demo, run demo, UrbanCAM at commit 0123456789"."""
    commit, changes, _ = (code_commit() or "").partition("+")
    version = f"UrbanCAM at commit {commit[:10]}{changes}" if commit else "UrbanCAM"
    return f"{city}, run {run}, {version}"


def render_files(
    figures: Mapping[str, "PaperFigure"], source: str, settings: "Figures"
) -> Iterator[tuple[str, bytes]]:
    """The files of a folder of figures: name with suffix, and content.

    Args:
        figures: Name -> figure.
        source: City, run and commit.
        settings: Section `figures`.
    """
    from urbancam.showing.figures import style

    for name, figure in figures.items():
        for kind in ("png", *settings.formats):
            yield (
                f"{name}.{kind}",
                style.render(figure, kind, name, source, settings.captions_inside),
            )
    captions = {name: figure.caption for name, figure in figures.items()}
    yield FILE, write_captions(captions, source).encode()


def file_names(names: Iterable[str], settings: "Figures") -> list[str]:
    """The names of the files that `render_files` gives, the captions last."""
    kinds = ("png", *settings.formats)
    return [f"{name}.{kind}" for name in names for kind in kinds] + [FILE]
