"""What the value of cells is called where sentences, captions and axes speak of income.

They are written for INSEE's incomes. Of a city whose cells hold another value (`cells.value_name`)
its name and unit take their place; poor and rich stay the words for the two ends.
"""

import re
from typing import TYPE_CHECKING

from urbancam.workflow.settings.city_facts import Cells

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNIT = re.compile(r"\bEUR(?: (?:a|per) (?:year|person) and (?:year|person))?\b")
NAME = re.compile(r"\b([Ii])ncome(s?)\b")
# What a page holds beside text that is read: scripts, styles, names of files and settings, tags.
NO_TEXT = re.compile(r"(<(script|style|code|pre)\b.*?</\2>|<[^>]+>)", re.DOTALL)


def tell(text: str, cells: Cells) -> str:
    """A text with the value's name and unit in place of income and euros; of incomes as it is."""
    if cells.source == "insee":
        return text

    def name(match: re.Match) -> str:
        words = f"values of {cells.name}" if match[2] else cells.name
        return words[0].upper() + words[1:] if match[1] == "I" else words

    return NAME.sub(name, UNIT.sub(lambda _: cells.unit, text))


def tell_page(html: str, cells: Cells) -> str:
    """A page with the same in all text that is read."""
    if cells.source == "insee":
        return html
    parts, end = [], 0
    for match in NO_TEXT.finditer(html):
        parts += [tell(html[end : match.start()], cells), match[0]]
        end = match.end()
    return "".join([*parts, tell(html[end:], cells)])


def tell_figure(figure: "Figure", cells: Cells) -> None:
    """Change the same in all texts of a figure and in its caption, in place."""
    from matplotlib.text import Text

    if cells.source == "insee":
        return
    for text in figure.findobj(Text):
        text.set_text(tell(text.get_text(), cells))
    figure.caption = tuple(tell(words, cells) for words in figure.caption)
