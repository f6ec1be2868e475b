"""The figures that are drawn from nothing but tables."""

from urbancam.showing.figures.calibration import draw_calibration
from urbancam.showing.figures.controls import draw_controls
from urbancam.showing.figures.deletion import draw_deletion
from urbancam.showing.figures.leakage import draw_leakage
from urbancam.showing.figures.quintiles import draw_class_by_quintile
from urbancam.showing.figures.ratios import draw_activation_ratios
from urbancam.showing.figures.recovery import draw_recovery
from urbancam.showing.figures.scores import draw_confusion_matrix, draw_scores

FROM_TABLES = {  # name of the figure -> draw(*tables, city, credits)
    "scores": draw_scores,
    "leakage": draw_leakage,
    "confusion_matrix": draw_confusion_matrix,
    "calibration": draw_calibration,
    "activation_ratios": draw_activation_ratios,
    "controls": draw_controls,
    "deletion": draw_deletion,
    "recovery": draw_recovery,
    "class_by_quintile": draw_class_by_quintile,
}
