"""How the layers look when they are opened, in the colours of the figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from urbancam.showing.figures import colour_maps, style
from urbancam.showing.layers.qgis import Entry, by_range, by_value

# Ends of the ranges, in classes: a residual is told from the nearest class on.
RESIDUAL_ENDS = (-4.0, -2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 4.0)
STEPS = 7  # of a diverging scale: three to each side, and one about 0
WIDEST = 95  # percentile of the sizes at which a scale ends, lest single fragments take it all
NO_CLASS = Entry("no prediction", style.UNUSED_COLOUR)


def styles_of_cells() -> dict[str, str]:
    """Name of a style -> QML, of the layer `cells`; the first is the one it opens with."""
    classes = [
        Entry(f"{number} {label}", colour, number)
        for number, (label, colour) in enumerate(
            zip(style.CLASS_LABELS, style.CLASS_COLOURS, strict=True)
        )
    ]
    no_income = Entry("not used", style.UNUSED_COLOUR)
    # From predicted too rich to predicted too poor, as residuals go.
    colours = np.array(style.DIFFERENCE_COLOURS[::-1])
    chosen = np.linspace(0, len(colours) - 1, len(RESIDUAL_ENDS) - 1).round().astype(int)
    return {
        "predicted class": by_value("predicted_class", [*classes, NO_CLASS]),
        "observed class": by_value("income_class", [*classes, no_income]),
        "residual": by_range("residual", _ranges(RESIDUAL_ENDS, colours[chosen])),
    }


def styles_of_fragments(fragments: pd.DataFrame, classes: pd.DataFrame) -> dict[str, str]:
    """Name of a style -> QML, of the layer `fragments`; the first is the one it opens with.

    Args:
        fragments: `contribution_density`.
        classes: `class, name, colour` of the land cover.
    """
    sizes = fragments["contribution_density"].abs()
    widest = float(np.nanpercentile(sizes, WIDEST)) if sizes.notna().any() else 1.0
    upper = widest * np.arange(1, STEPS + 1, 2) / STEPS
    upper[-1] = max(widest, sizes.max())
    ends = [*-upper[::-1], *upper]
    shades = colour_maps.diverging_colours()(np.linspace(0, 1, STEPS))
    entries = [
        Entry(row["name"], row["colour"], row["class"]) for row in classes.to_dict("records")
    ]
    return {
        "contribution": by_range(
            "contribution_density", _ranges(ends, [to_hex(shade) for shade in shades])
        ),
        "land cover": by_value("class", entries),
    }


def _ranges(ends: Sequence[float], colours: Sequence[str]) -> list[Entry]:
    """Ranges between neighbouring ends."""
    pairs = zip(ends[:-1], ends[1:], colours, strict=True)
    return [
        Entry(f"{low:.2g} to {high:.2g}", str(colour), float(low), float(high))
        for low, high, colour in pairs
    ]
