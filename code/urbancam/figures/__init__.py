"""Frames and arrays -> figures, sized for a paper; opens no file."""

from urbancam.figures.cells import CellPicture, choose_cells, draw_cell_sheet
from urbancam.figures.maps import draw_class_maps
from urbancam.figures.polar import draw_polar_ratios
from urbancam.figures.ratios import draw_activation_ratios
from urbancam.figures.relevance import PICTURES, PatchPicture, draw_relevance_sheet
from urbancam.figures.scores import draw_confusion_matrix, draw_scores
from urbancam.figures.style import credit_line, render

__all__ = [
    "PICTURES", "CellPicture", "PatchPicture", "choose_cells", "credit_line", "draw_activation_ratios",
    "draw_cell_sheet", "draw_class_maps", "draw_confusion_matrix", "draw_polar_ratios", "draw_relevance_sheet",
    "draw_scores", "render",
]  # fmt: skip
