"""A run's page with its pictures, made from numbers drawn by lot, for tests."""

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

import report_tables
from samples import cell_id
from urban_atlas_classes import class_table
from urbancam.showing.report import cell_columns, cell_pictures, run_page
from urbancam.showing.report.pictures import Picture
from urbancam.tables import grid

CLASSES = ("roads", "water", "green_ua", "comr_indst")
WITHOUT_INCOME = 0.1  # share of the cells that are not used
SETTINGS = {
    "seed": 0,
    "statistics.confidence": 0.95,
    "samples.target": "income",
    "samples.thresholds": "city",
    "split.method": "block",
}
RECORD = {
    "step": "12_evaluate_income",
    "date": "2026-01-01T00:00:00",
    "seconds": 3.2,
    "commit": "abcdef0123456789",
    "counts": {"cells": 200},
    "packages": {"numpy": "2.4"},
}


def draw_frames(columns: int, rows: int) -> dict[str, pd.DataFrame]:
    """`samples, cells, images, predictions, activation` of a grid of cells, as the steps write
    them."""
    rng = np.random.default_rng(1)
    ids = pd.Series(
        [cell_id(column, row) for row in range(rows) for column in range(columns)],
        name="idINSPIRE",
    )
    count = len(ids)
    used = rng.random(count) > WITHOUT_INCOME
    income = rng.normal(25_000, 6_000, count).round()
    classes = pd.Series(income).where(used).rank(pct=True).mul(5).clip(upper=4.99) // 1
    samples = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "used": used,
            "reason": np.where(used, None, "no value"),
            "income_class": classes,
            "fold": np.where(used, rng.integers(0, 3, count), np.nan),
        }
    )
    cells = pd.DataFrame({"idINSPIRE": ids, "ind": 20.0, "imputed": rng.random(count) < 0.2})
    images = pd.DataFrame(
        {
            "idINSPIRE": ids,
            "path": "images/FR_URBANATLAS_200m_" + ids + ".png",
            "void_fraction": 0.0,
            "campaign_year": rng.choice([2015, 2018], count),
        }
    )
    score = 1 / (1 + np.exp(-rng.normal(0, 1, count)))
    predictions = samples[["idINSPIRE", "fold", "income_class"]].assign(
        logit=np.log(score / (1 - score)),
        p=score,
        predicted_class=(score * 5).astype(int),
        value=income,
        target=income,
        **{f"prob_{k}": 0.2 for k in range(5)},
    )[used]
    activation = pd.DataFrame(
        {
            "idINSPIRE": np.tile(ids, len(CLASSES)),
            "class": np.repeat(CLASSES, count),
            "area_m2": rng.dirichlet(np.ones(len(CLASSES)), count).T.ravel() * 40_000,
            "contribution": rng.normal(0, 0.5, count * len(CLASSES)),
        }
    )
    return {
        "samples": samples,
        "cells": cells,
        "images": images,
        "predictions": predictions,
        "activation": activation,
    }


def make_run(
    city: str = "Demo", columns: int = 12, rows: int = 10, pictures: set[str] | None = None
) -> run_page.Run:
    """What a page is made from, of a city of `columns` times `rows` cells."""
    frames = draw_frames(columns, rows)
    activation, classes = frames.pop("activation"), class_table()
    pictured = set(frames["predictions"]["idINSPIRE"]) if pictures is None else pictures
    confusion = pd.crosstab(
        frames["predictions"]["income_class"], frames["predictions"]["predicted_class"]
    )
    confusion.columns = [f"predicted_{name}" for name in confusion]
    return run_page.Run(
        city=city,
        run="demo",
        tables={
            "metrics": report_tables.metrics(),
            "block_size": report_tables.block_size(),
            "leakage": report_tables.leakage(),
            "activation_ratio": report_tables.activation_ratios(),
            "activation_contrast": report_tables.activation_contrast(),
            "claims": report_tables.claims(),
            "confusion_matrix": confusion.reset_index(),
        },
        figures={"scores": Picture("scores", 1000, ("Dots & intervals.", "95 %, blocks."))},
        settings=SETTINGS,
        records=[RECORD],
        limits=["not for persons"],
        credits="Data: nobody's",
        rendered=False,
        cells=cell_columns.pack_cells(**frames, with_pictures=pictured),
        cover=cell_columns.pack_cover(frames["samples"]["idINSPIRE"], activation, classes),
        pictures=len(pictured),
    )


def write_page(folder: Path, run: run_page.Run, pictured: list[str]) -> Path:
    """The page of a run, and pictures of some cells beside it."""
    page = folder / "report.html"
    page.write_text(run_page.render_run(run), encoding="utf-8")
    (folder / "report_cells").mkdir()
    (folder / "figures").mkdir()
    rng = np.random.default_rng(2)
    for name in run.figures:
        picture = cell_pictures.render_map(rng.integers(1, 255, (40, 40), np.uint8))
        (folder / "figures" / f"{name}.png").write_bytes(picture)
    for cell in pictured:
        west, south, east, north = grid.bounds(cell)
        halves = [
            shapely.box(west, south, west + 100, north),
            shapely.box(west + 100, south, east, north),
        ]
        fragments = pd.DataFrame({"class": ["roads", "water"], "geometry": halves})
        files = {
            ".jpg": cell_pictures.render_image(rng.integers(0, 255, (64, 64, 3), np.uint8)),
            "_map.png": cell_pictures.render_map(rng.integers(1, 255, (24, 24), np.uint8)),
            "_cover.png": cell_pictures.render_cover(cell, fragments, class_table()),
        }
        for ending, content in files.items():
            (folder / "report_cells" / f"{cell}{ending}").write_bytes(content)
    return page
