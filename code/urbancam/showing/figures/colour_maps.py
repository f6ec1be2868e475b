"""The colour maps of classes, of their differences, and of what speaks for poor or rich."""

import matplotlib as mpl
import numpy as np
from matplotlib.colors import BoundaryNorm, Colormap, LinearSegmentedColormap, ListedColormap

from urbancam.showing.figures import style


def class_colours() -> tuple[ListedColormap, BoundaryNorm]:
    """Colour map and norm of the income classes 0 .. 4; below is no value, masked is paper."""
    colours = ListedColormap(style.CLASS_COLOURS).with_extremes(
        under=style.UNUSED_COLOUR, bad="white"
    )
    count = len(style.CLASS_COLOURS)
    boundaries = np.arange(count + 1) - 0.5  # a class lies in the middle of its colour
    return colours, BoundaryNorm(boundaries, count)


def difference_colours() -> tuple[ListedColormap, BoundaryNorm]:
    """Colour map and norm of differences of classes -4 .. 4; below is no value, masked is paper."""
    colours = ListedColormap(style.DIFFERENCE_COLOURS).with_extremes(
        under=style.UNUSED_COLOUR, bad="white"
    )
    count = len(style.DIFFERENCE_COLOURS)
    boundaries = np.arange(count + 1) - count / 2
    return colours, BoundaryNorm(boundaries, count)


def signed_colours() -> Colormap:
    """Diverging map of -1 (speaks for poor, blue) .. 1 (for rich, red), transparent at zero."""
    blue = mpl.colors.to_rgb(style.CLASS_COLOURS[0])
    red = mpl.colors.to_rgb(style.CLASS_COLOURS[-1])
    stops = [
        (0.0, (*blue, 0.85)),
        (0.5, (*blue, 0.0)),
        (0.5, (*red, 0.0)),
        (1.0, (*red, 0.85)),
    ]
    return LinearSegmentedColormap.from_list("signed", stops)


def diverging_colours() -> Colormap:
    """Diverging map from poor (blue) over white, nothing, to rich (red); masked is grey."""
    stops = (style.CLASS_COLOURS[0], "white", style.CLASS_COLOURS[-1])
    colours = LinearSegmentedColormap.from_list("diverging", stops)
    return colours.with_extremes(bad=style.UNUSED_COLOUR)
