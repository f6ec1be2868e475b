"""Step 18 on a hundred painted cells: rules that the colours show are found, on frozen features."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import torch
from PIL import Image

import urban_atlas_classes
from samples import cell_id, run_script
from urbancam.explaining.local_moments import CONTRIBUTION
from urbancam.learning.models import networks, weight_files
from urbancam.tables import grid
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]

SIDE = 10  # cells
SIZE_PX = 64
COLOURS = {"water": (20, 60, 160), "roads": (120, 120, 120), "green_ua": (60, 160, 40)}
CODES = {"water": 50000, "roads": 12220, "green_ua": 14100}
STRONG = [
    "model.backbone=resnet18",
    "split.folds=2",
    "statistics.draws=100",
    "planted.plants=4",
    "planted.classes=2",
    "planted.visible_share=0.9",
    "planted.smooth_share=0.05",
]
ATTRIBUTIONS = [
    "gradcam_contrast",
    "contribution",
    "adjusted_logit",
    "adjusted_income",
    "local_effect",
]


def paint(paths: Paths, ids: list[str]) -> gpd.GeoDataFrame:
    """Images of three bands from west to east, each in its class's colour; their fragments."""
    random = np.random.default_rng(0)
    paths.images.mkdir(parents=True)
    rows = []
    for cell in ids:
        west, south, _, north = grid.bounds(cell)
        edges_px = np.cumsum(random.multinomial(SIZE_PX, random.dirichlet([1, 1, 1])))
        start = 0
        pixels = random.normal(0, 12, (SIZE_PX, SIZE_PX, 3))
        for name, end in zip(COLOURS, edges_px, strict=True):
            pixels[:, start:end] += COLOURS[name]
            band = shapely.box(
                west + 200 * start / SIZE_PX, south, west + 200 * end / SIZE_PX, north
            )
            if end > start:
                rows.append((f"{cell}_{name}", cell, name, band.area, band))
            start = end
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image.save(paths.images / f"{cell}.png")
    columns = ["fragment_id", "idINSPIRE", "class", "area_m2", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), crs=grid.CRS).assign(
        code=lambda table: table["class"].map(CODES)
    )


@pytest.fixture
def city(tmp_path) -> Paths:
    """A town of painted cells in two folds of blocks, and a network that has learned nothing."""
    paths = Paths(tmp_path / "data", tmp_path, "Town", "demo-tiny")
    ids = [cell_id(column, row) for row in range(SIDE) for column in range(SIDE)]
    fragments = paint(paths, ids)
    fragments.to_parquet(paths.fragments)
    urban_atlas_classes.CODES.to_csv(paths.classes, index=False)
    images = pd.DataFrame({"idINSPIRE": ids, "path": [f"images/{cell}.png" for cell in ids]})
    images.to_csv(paths.images_table, index=False)
    random = np.random.default_rng(1)
    cells = pd.DataFrame({"idINSPIRE": ids, "ind": random.integers(10, 200, len(ids))})
    cells["value"] = np.exp(10 + 0.3 * random.standard_normal(len(ids)))
    cells.to_parquet(paths.cells)
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    samples = cells[["idINSPIRE"]].assign(
        used=True,
        income_class=random.permutation(np.arange(SIDE**2) % 5),
        block=[f"b{r}_{c}" for r, c in zip(row // 2, column // 2, strict=True)],
        group=None,
        fold=(row // 2 + column // 2) % 2,
    )
    paths.run_folder.mkdir(parents=True)
    samples.to_csv(paths.samples, index=False)
    torch.manual_seed(0)
    network = networks.build(settings.load("demo-tiny", STRONG).model)
    paths.weights(0).parent.mkdir()
    paths.weights(1).parent.mkdir()
    weight_files.save(network.state_dict(), paths.weights(0))
    return paths


def recover(paths: Paths, *changes: str) -> int:
    words = [word for assignment in [*STRONG, *changes] for word in ("--set", assignment)]
    places = ["--results", paths.results]
    return run_script("18", "--city", "Town", "--run", "demo-tiny", *places, *words)


def write_moments(variant: Paths, rows: pd.DataFrame) -> None:
    """Moments of squares that are of one class each: its share of the cell tells all."""
    tables = []
    for cell, own in rows.groupby("idINSPIRE"):
        share = own.set_index("code")["area_m2"] / own["area_m2"].sum()
        covariance = np.diag(share) - np.outer(share, share)
        effect = (own["contribution"] / own["area_m2"] * 40_000).to_numpy()
        told = covariance @ effect
        whole = np.block([[covariance, told[:, None]], [told, effect @ told]])
        names = [*share.index, CONTRIBUTION]
        table = pd.DataFrame({"code": np.repeat(names, len(names)), "value": whole.ravel()})
        table["other"] = np.tile(names, len(names))
        tables.append(table.assign(idINSPIRE=cell, width=0.0))
    pd.concat(tables, ignore_index=True).to_parquet(variant.local_moments)


def test_strong_rules_are_found_and_the_tables_count_them(city):
    assert recover(city) == 0
    table = pd.read_csv(city.table("recovery"))
    assert len(table) == 4 * 3 * len(ATTRIBUTIONS)
    assert table["attribution"].unique().tolist() == ATTRIBUTIONS
    assert (table.groupby("plant")["true_effect"].agg(lambda e: (e != 0).sum()) == 10).all()
    summary = pd.read_csv(city.table("recovery_summary")).set_index("attribution")
    assert summary.loc["contribution", ["n_plants", "n_planted", "n_inert"]].tolist() == [4, 8, 4]
    assert summary.loc["contribution", "spearman"] > 0.7
    # A position of so small an image sees all of it: contributions know no place in it.
    for name in ("adjusted_logit", "adjusted_income"):
        assert summary.loc[name, ["power", "wrong_sign"]].tolist() == [1, 0]
        assert summary.loc[name, "rank_correlation"] > 0.8


def test_a_variant_that_was_trained_stands_beside_the_frozen_ones(city):
    variant = city.of_variant("planted-1")
    fragments = pd.read_parquet(city.fragments)
    samples = pd.read_csv(city.samples)
    area = fragments.pivot_table(index="idINSPIRE", columns="class", values="area_m2", fill_value=0)
    effects = pd.DataFrame(
        {"class": area.columns, "effect": [1.0, 0.0, -1.0], "variance_share": [0.3, 0.0, 0.3]}
    )
    logit = (area / 40_000) @ effects["effect"].to_numpy()
    variant.run_folder.mkdir(parents=True)
    effects.to_csv(variant.planted_truth, index=False)
    by_class = fragments["class"].map(effects.set_index("class")["effect"])
    rows = fragments.drop(columns="geometry").assign(
        contribution=by_class * fragments["area_m2"] / 40_000,
        rich_share=fragments["area_m2"] / 40_000 * np.exp(by_class),
        poor_share=fragments["area_m2"] / 40_000 * np.exp(-by_class),
    )
    rows.to_parquet(variant.activation)
    rank = logit.rank(pct=True).sub(1e-9)
    predictions = samples[["idINSPIRE", "fold", "block", "income_class"]].assign(
        logit=logit[samples["idINSPIRE"]].to_numpy(),
        p=rank[samples["idINSPIRE"]].to_numpy(),
        predicted_class=(5 * rank[samples["idINSPIRE"]]).astype(int).to_numpy(),
        value=np.exp(10 + logit[samples["idINSPIRE"]]).to_numpy(),
    )
    predictions.to_csv(variant.predictions, index=False)
    write_moments(variant, rows)
    assert recover(city, "planted.plants=1", "planted.trained=1") == 0
    table = pd.read_csv(city.table("recovery"))
    assert table["kind"].unique().tolist() == ["frozen", "trained"]
    for name in ("contribution", "local_effect"):
        trained = table[(table["kind"] == "trained") & (table["attribution"] == name)]
        expected = trained["true_effect"].tolist()
        assert trained["value"].tolist() == pytest.approx(expected, abs=0.3)


def test_without_plants_the_tables_are_empty(city):
    assert recover(city, "planted.plants=0") == 0
    for name in ("recovery", "recovery_summary"):
        assert pd.read_csv(city.table(name)).empty
