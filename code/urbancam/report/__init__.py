"""The report of one city and run: what the tables say in sentences, figures, tables, settings, limits.

All are functions of frames, bytes and dictionaries; the result is one HTML page that needs no other file.
"""

from urbancam.report.page import render_page, tabulate_scores
from urbancam.report.sentences import name_limits, summarise, summarise_land_cover, summarise_scores

__all__ = [
    "name_limits", "render_page", "summarise", "summarise_land_cover", "summarise_scores", "tabulate_scores",
]  # fmt: skip
