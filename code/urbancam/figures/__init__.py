"""Frames and arrays -> figures, sized for a paper; opens no file."""

from urbancam.figures.calibration import draw_calibration
from urbancam.figures.cells import CellPicture, choose_cells, draw_cell_sheet
from urbancam.figures.chords import draw_chords
from urbancam.figures.cities import (
    draw_city_accuracy,
    draw_city_confusion,
    draw_city_map,
    draw_city_tree,
    draw_colour_controls,
)
from urbancam.figures.controls import draw_controls
from urbancam.figures.deletion import draw_deletion
from urbancam.figures.leakage import draw_leakage
from urbancam.figures.maps import draw_class_maps
from urbancam.figures.polar import draw_polar_ratios
from urbancam.figures.quintiles import draw_class_by_quintile, draw_ordering
from urbancam.figures.ratios import draw_activation_ratios
from urbancam.figures.relevance import PICTURES, PatchPicture, draw_relevance_sheet
from urbancam.figures.scores import draw_confusion_matrix, draw_scores
from urbancam.figures.style import credit_line, render, render_files, site_credit_line
from urbancam.figures.transfer import draw_transfer

FROM_TABLES = {  # figures of nothing but tables: name -> draw(*tables, city, credits)
    "scores": draw_scores,
    "leakage": draw_leakage,
    "confusion_matrix": draw_confusion_matrix,
    "calibration": draw_calibration,
    "activation_ratios": draw_activation_ratios,
    "controls": draw_controls,
    "deletion": draw_deletion,
    "ordering": draw_ordering,
    "class_by_quintile": draw_class_by_quintile,
}

__all__ = [
    "FROM_TABLES", "PICTURES", "CellPicture", "PatchPicture", "choose_cells", "credit_line", "draw_activation_ratios",
    "draw_calibration", "draw_cell_sheet", "draw_chords", "draw_city_accuracy", "draw_city_confusion",
    "draw_city_map", "draw_city_tree", "draw_colour_controls", "draw_class_by_quintile", "draw_class_maps",
    "draw_confusion_matrix", "draw_controls", "draw_deletion", "draw_leakage", "draw_ordering", "draw_polar_ratios",
    "draw_relevance_sheet", "draw_scores", "draw_transfer", "render", "render_files",
    "site_credit_line",
]  # fmt: skip
