"""The faces in which figures are written: a Helvetica-like one, and others for what it lacks.

All are carried beside this module or by matplotlib, so that figures are the same bytes on every
machine; `fonts/README.md` says where they come from and under which licences.
"""

import functools
from dataclasses import replace
from pathlib import Path

from matplotlib import font_manager

FOLDER = Path(__file__).with_name("fonts")
# In the order in which they are asked for a sign.
FAMILIES = ("Liberation Sans", "DejaVu Sans", "Droid Sans Fallback", "Unifont")
REGULAR, BOLD = 400, 700
# Whoever opens an SVG may have one of the faces that are as wide as ours, rather than ours.
ALIKE = "'Liberation Sans', Arimo, Arial, Helvetica"


@functools.cache
def register() -> None:
    """Make the faces known to matplotlib; those that have no bold are bold as they are."""
    manager = font_manager.fontManager
    for path in sorted([*FOLDER.glob("*.ttf"), *FOLDER.glob("*.otf")]):
        manager.addfont(path)
    entries = {(entry.name, entry.weight): entry for entry in manager.ttflist}
    for family in FAMILIES:
        if (family, BOLD) not in entries:
            manager.ttflist.append(replace(entries[family, REGULAR], weight=BOLD))


def name_alike(svg: bytes) -> bytes:
    """An SVG whose texts may also be set in faces that are as wide as ours."""
    return svg.replace(b"'Liberation Sans'", ALIKE.encode())
