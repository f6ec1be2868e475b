"""The observed and the predicted income class of every cell, and by how much they differ."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import ScaledTranslation, Transform, blended_transform_factory
from pyproj import Transformer

from urbancam.showing.figures import colour_maps, style
from urbancam.tables import grid

PANELS = {  # column of the values -> title
    "income_class": "observed class",
    "predicted_class": "predicted class",
    "error": "predicted less observed",
}
NO_VALUE = -9  # below every class and every difference
MARGIN_MM = 2
TOP_MM, BELOW_MM = 5, 15  # of the panels: their titles; scale, north and colours


def class_raster(
    ids: pd.Series, values: pd.Series
) -> tuple[np.ma.MaskedArray, tuple[int, int, int, int]]:
    """Cells as a raster with one pixel a cell.

    Args:
        ids: (N,) INSPIRE ids of the cells.
        values: (N,) class, or difference of classes, of each, NaN where it has none.

    Returns:
        (rows, columns) int8: row 0 in the north, NO_VALUE for a cell without a value, masked where
        there is no cell; and the extent (west, east, south, north), m in the cells' system.
    """
    # A cell's row and column are its distance from the south-western corner, in cells.
    corners = grid.corners(ids)
    side_m = grid.side_m(ids)
    west, south = corners.min(axis=0)
    columns, rows = (corners - (west, south)).T // side_m
    height = rows.max() + 1
    width = columns.max() + 1
    # Row 0 is the north: the raster is upside down.
    raster = np.ma.masked_all((height, width), dtype=np.int8)
    raster[rows.max() - rows, columns] = values.fillna(NO_VALUE).astype(np.int8)
    east = west + side_m * width
    north = south + side_m * height
    return raster, (int(west), int(east), int(south), int(north))


@style.in_house_style
def draw_class_maps(
    samples: pd.DataFrame,
    predictions: pd.DataFrame,
    city: str,
    credits: str = "",
    without_income: pd.DataFrame | None = None,
) -> Figure:
    """Maps of the observed class, the predicted one, and their difference; grey: no value.

    Args:
        samples: All cells, with `idINSPIRE, used, income_class`.
        predictions: Out-of-fold predictions, with `idINSPIRE, predicted_class`.
        city: Name of the city.
        credits: Line of data credits.
        without_income: Predictions of cells whose income nobody knows, with the same columns; they
            stand in the map of the predicted class.
    """
    cells = _join_classes(samples, predictions, without_income)
    rows, columns = class_raster(cells["idINSPIRE"], cells["income_class"])[0].shape
    # Panels side by side fill the width; their height follows the city's shape.
    margins_mm = (len(PANELS) + 1) * MARGIN_MM
    width_mm = (style.TWO_COLUMNS_MM - margins_mm) / len(PANELS)
    height_mm = float(np.clip(width_mm * rows / columns, 25, 190))
    heading, heading_mm = style.fold_heading(city, style.TWO_COLUMNS_MM)
    top_mm = heading_mm + TOP_MM
    figure = style.new_figure(
        style.TWO_COLUMNS_MM,
        top_mm + height_mm + BELOW_MM,
        _map_caption(cells),
        credits,
        layout=None,
    )
    style.text_mm(figure, MARGIN_MM, 1, heading, fontsize=style.HEADING_PT, weight="bold")
    colours = [
        colour_maps.class_colours(),
        colour_maps.class_colours(),
        colour_maps.difference_colours(),
    ]
    images = []
    for number, (column, title) in enumerate(PANELS.items()):
        left_mm = MARGIN_MM + number * (width_mm + MARGIN_MM)
        ax = style.add_axes_mm(figure, left_mm, top_mm, width_mm, height_mm)
        images.append(_draw_values(ax, cells["idINSPIRE"], cells[column], *colours[number]))
        style.set_title(ax, "abc"[number], title)
    _add_scale_bar(figure.axes[0])
    below_mm = top_mm + height_mm + 6
    _add_class_bar(figure, images[1], style.add_axes_mm(figure, 64, below_mm, 55, 2.5))
    _add_difference_bar(figure, images[2], style.add_axes_mm(figure, 126, below_mm, 52, 2.5))
    _add_grey_key(figure, 47, below_mm)
    _add_north_arrow(figure, figure.axes[0], 60, below_mm, grid.crs_of(cells["idINSPIRE"]))
    return figure


def _join_classes(
    samples: pd.DataFrame,
    predictions: pd.DataFrame,
    without_income: pd.DataFrame | None,
) -> pd.DataFrame:
    """The classes of every cell, NaN where it has none.

    Args:
        samples: As for `draw_class_maps`.
        predictions: As for `draw_class_maps`.
        without_income: As for `draw_class_maps`.

    Returns:
        `idINSPIRE, income_class, predicted_class` (of cells without income too), `error, lacks`
        (whether nobody knows the cell's income, but a class is predicted).
    """
    if without_income is None:
        without_income = predictions.iloc[:0]
    # A cell without income is in no sample.
    observed = samples.set_index("idINSPIRE")
    observed = observed["income_class"].where(observed["used"])
    both = pd.concat([predictions, without_income]).drop_duplicates("idINSPIRE")
    predicted = both.set_index("idINSPIRE")["predicted_class"]
    ids = pd.concat([samples["idINSPIRE"], without_income["idINSPIRE"]])
    ids = ids.drop_duplicates().reset_index(drop=True)
    cells = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "income_class": ids.map(observed).astype(float),
            "predicted_class": ids.map(predicted).astype(float),
        }
    )
    lacks = ids.isin(without_income["idINSPIRE"]) & cells["income_class"].isna()
    error = cells["predicted_class"] - cells["income_class"]
    return cells.assign(error=error, lacks=lacks)


def _add_class_bar(figure: Figure, image: AxesImage, ax: Axes) -> None:
    _add_bar(figure, image, ax).set_ticks(range(5), labels=style.CLASS_LABELS)


def _add_difference_bar(figure: Figure, image: AxesImage, ax: Axes) -> None:
    bar = _add_bar(figure, image, ax)
    labels = [f"{step:+d}" if step else "0" for step in range(-4, 5)]
    labels[0] = "\N{MINUS SIGN}4\ntoo poor"
    labels = [label.replace("-", "\N{MINUS SIGN}") for label in labels]
    bar.set_ticks(range(-4, 5), labels=[*labels[:-1], "+4\ntoo rich"])


def _add_bar(figure: Figure, image: AxesImage, ax: Axes) -> Colorbar:
    bar = figure.colorbar(image, cax=ax, orientation="horizontal", drawedges=True)
    bar.ax.tick_params(length=0, pad=1.5)
    bar.dividers.set_linewidth(0.4)
    bar.outline.set_linewidth(0.4)
    return bar


def _add_grey_key(figure: Figure, left_mm: float, top_mm: float) -> None:
    """What grey means, in the shape of the colour bars."""
    ax = style.add_axes_mm(figure, left_mm, top_mm, 8, 2.5)
    ax.set(facecolor=style.UNUSED_COLOUR, xticks=[0.5], yticks=[], xlim=(0, 1))
    ax.set_xticklabels(["no value"])
    ax.tick_params(length=0, pad=1.5)
    ax.spines[:].set(visible=True, linewidth=0.4)


def _map_caption(cells: pd.DataFrame) -> str:
    compared = int(cells["error"].notna().sum())
    exact = int((cells["error"] == 0).sum())
    close = int((cells["error"].abs() <= 1).sum())
    side_m = grid.side_m(cells["idINSPIRE"])
    lacking = int(cells["lacks"].sum())
    unused = len(cells) - compared - lacking
    parts = [
        f"a, quintiles of the city's income in cells of {side_m} m; b, as predicted "
        f"from the image by the one model that never saw the cell; c, b less a, in classes "
        f"({compared:,} cells: {exact:,} alike, {close:,} at most one class apart)"
    ]
    if lacking:
        parts.append(
            f"b also has {lacking:,} cells without a known income, predicted by the mean of "
            "all models, which nothing can check"
        )
    grey = "Grey in every map: a cell without that value"
    return style.sentences(*parts, f"{grey}; {unused:,} cells are not used" if unused else grey)


def _draw_values(
    ax: Axes, ids: pd.Series, values: pd.Series, colours: Colormap, norm: Normalize
) -> AxesImage:
    raster, extent = class_raster(ids, values)
    ax.set_axis_off()
    return ax.imshow(raster, cmap=colours, norm=norm, extent=extent, interpolation="nearest")


def scale_length_m(width_m: float) -> int:
    """The longest of 100 m, 200 m, 500 m, 1 km, ... that takes at most a third of the width."""
    lengths_m = [step * 10**power for power in range(2, 6) for step in (1, 2, 5)]
    short_m = [length_m for length_m in lengths_m if length_m <= width_m / 3]
    return max(short_m, default=lengths_m[0])


def _corner_inches(ax: Axes, corner: tuple[float, float]) -> Transform:
    """Coordinates in inches from a corner of the axes."""
    return ax.figure.dpi_scale_trans + ScaledTranslation(*corner, ax.transAxes)


def _add_scale_bar(ax: Axes) -> None:
    west, east, _, _ = ax.get_images()[0].get_extent()
    length_m = scale_length_m(east - west)
    # Along the map in m, below it in inches.
    below = blended_transform_factory(ax.transData, _corner_inches(ax, (0, 0)))
    ax.plot(
        [west, west + length_m],
        [-0.06, -0.06],
        color="black",
        linewidth=1.5,
        transform=below,
        clip_on=False,
        solid_capstyle="butt",
        scalex=False,
        scaley=False,
    )
    words = f"{length_m // 1000} km" if length_m >= 1000 else f"{length_m} m"
    ax.text(west, -0.1, words, transform=below, va="top")


def north_direction(x: float, y: float, crs: str) -> tuple[float, float]:
    """Unit vector of true north at a point of a coordinate system.

    In Brest it leans 11 degrees from that of EPSG:3035.
    """
    # A short step along the meridian, seen on the grid.
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(x, y)
    x_north, y_north = to_degrees.transform(longitude, latitude + 0.01, direction="INVERSE")
    dx = x_north - x
    dy = y_north - y
    length = np.hypot(dx, dy)
    return dx / length, dy / length


def _add_north_arrow(figure: Figure, ax: Axes, left_mm: float, top_mm: float, crs: str) -> None:
    """An arrow to the north of the map's middle, with its foot at a place of the figure."""
    west, east, south, north = ax.get_images()[0].get_extent()
    direction = np.array(north_direction((west + east) / 2, (south + north) / 2, crs))
    # In shares of the figure: inches would be counted from below a caption in the picture.
    size_mm = figure.get_size_inches() * style.MM_PER_INCH
    foot = np.array([left_mm, size_mm[1] - top_mm - 3]) / size_mm
    head = foot + 5 * direction / size_mm
    ax.annotate(
        "",
        head,
        foot,
        xycoords=figure.transFigure,
        textcoords=figure.transFigure,
        annotation_clip=False,
        arrowprops={
            "arrowstyle": "-|>",
            "linewidth": 0.8,
            "color": "black",
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    figure.text(foot[0] - 0.005, foot[1], "N", ha="right", va="bottom")
