"""Small tables as the figures of a city read them, for tests."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely

from urban_atlas_classes import class_table
from urbancam.showing.figures.cell_panels import CellPicture

WEST, SOUTH = 2_889_000, 3_760_000  # m, EPSG:3035
CLASSES = (
    class_table().set_index("class").loc[["green_ua", "roads", "water", "hd_uf"]].reset_index()
)
CONFUSION = pd.DataFrame(np.diag([4, 3, 2, 1, 0]), columns=[f"predicted_{k}" for k in range(5)])
CONFUSION.insert(0, "income_class", range(5))


def texts(artist) -> list[str]:
    """All words that stand in a figure or in a part of it, and a figure's caption."""
    written = [text.get_text() for text in artist.findobj(mpl.text.Text) if text.get_text()]
    return [*written, *getattr(artist, "caption", ())]


def words(artist) -> str:
    """The same as one text, without the breaks of its lines."""
    return " ".join(texts(artist)).replace("\n", " ")


def cell_id(column: int, row: int) -> str:
    """Id of the cell in a column (eastwards) and a row (northwards)."""
    return f"CRS3035RES200mN{SOUTH + 200 * row}E{WEST + 200 * column}"


def four_cells() -> pd.DataFrame:
    """`samples.csv`: four cells in a 3 x 3 square, the last not used."""
    return pd.DataFrame(
        {
            "idINSPIRE": [cell_id(0, 0), cell_id(2, 0), cell_id(0, 2), cell_id(1, 1)],
            "used": [True, True, True, False],
            "income_class": [0.0, 4.0, 2.0, np.nan],
        }
    )


def three_predictions() -> pd.DataFrame:
    """`predictions.csv` of the cells that are used."""
    samples = four_cells()
    return samples[samples["used"]].assign(
        predicted_class=[0, 3, 2],
        value=[11000.0, 29000.0, 20000.0],
        fold=0,
    )


def activation_ratios() -> pd.DataFrame:
    """`activation_ratio.csv`: green areas read rich, roads read poor, dense fabric in no cell."""
    rows = [
        ("green_ua", "poor", 12, 0.5, 0.3, 0.8),
        ("green_ua", "rich", 30, 2.6, 1.9, 3.5),
        ("roads", "poor", 40, 1.5, 1.2, 1.9),
        ("roads", "rich", 38, 0.9, 0.7, 1.1),
        ("hd_uf", "poor", 0, np.nan, np.nan, np.nan),
        ("hd_uf", "rich", 0, np.nan, np.nan, np.nan),
    ]
    table = pd.DataFrame(rows, columns=["class", "side", "n_cells", "ratio", "ci_low", "ci_high"])
    return table.merge(CLASSES[["class", "name"]])


def metric_rows(predictor: str, **values: float) -> pd.DataFrame:
    """Rows of `metrics.csv`: a row a metric, intervals of 0.1 to each side."""
    rows = pd.DataFrame({"metric": values.keys(), "value": values.values()})
    return rows.assign(
        ci_low=rows["value"] - 0.1,
        ci_high=rows["value"] + 0.1,
        n_cells=10,
        subset="all",
        fold="all",
        predictor=predictor,
    )


def metrics() -> pd.DataFrame:
    """`metrics.csv` of the model and the coordinates; the last two rows are of a part only."""
    scores = {"spearman": 0.76, "accuracy": 0.5, "accuracy_within_1": 0.85, "quadratic_kappa": 0.7}
    return pd.concat(
        [
            metric_rows("model", **scores),
            metric_rows("coordinates", spearman=0.48, accuracy=0.4).assign(difference=0.28),
            metric_rows("model", spearman=-1.0).assign(subset="imputed"),
            metric_rows("model", spearman=-1.0).assign(fold="0"),
        ]
    )


def picture(number: int, **changes) -> CellPicture:
    """A red cell with green areas and water.

    Args:
        number: Column of the cell.
        changes: Other content for some of the fields.
    """
    west = WEST + 200 * number
    fragments = pd.DataFrame(
        {
            "class": ["green_ua", "water", "green_ua"],
            "geometry": [
                shapely.box(west, SOUTH, west + 200, SOUTH + 100),
                shapely.box(west, SOUTH + 100, west + 150, SOUTH + 200),
                shapely.box(west + 150, SOUTH + 100, west + 200, SOUTH + 200),
            ],
        }
    )
    content = {
        "image": np.full((20, 20, 3), (200, 0, 0), np.uint8),
        "activation": np.full((4, 4), 128, np.uint8),
        "fragments": fragments,
    }
    return CellPicture(cell_id(number, 0), 15000.0, 0, **content | changes)
