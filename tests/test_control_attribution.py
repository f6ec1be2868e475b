"""Step 16 on a dozen made-up cells: what it writes, shares of a variant, resumption, empty
lists."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import torch
from PIL import Image

from samples import cell_id, run_script
from urban_atlas_classes import CODES
from urbancam.learning.models import networks, weight_files
from urbancam.tables import grid
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

SMALL = [
    "model.backbone=resnet18",
    "split.folds=2",
    "statistics.draws=20",
    "statistics.min_blocks=2",
    "controls.deletion_steps=2",
]
ALL = [
    "controls.methods=[hirescam, layercam, gradcam_plus_plus, integrated_gradients]",
    "controls.randomise_weights=true",
    "controls.deletion_cells=4",
    "controls.integrated_gradients_steps=2",
]
CURVES = "controls.deletion_cells=4"
IDS = [cell_id(column, row) for row in range(3) for column in range(4)]


def halves(cell: str) -> list[shapely.Polygon]:
    west, south, east, north = grid.bounds(cell)
    return [
        shapely.box(west, south, west + 120, north),
        shapely.box(west + 120, south, east, north),
    ]


def write_city(paths: Paths) -> None:
    """Twelve cells of noise, two fragments each, in two folds."""
    random = np.random.default_rng(0)
    paths.images.mkdir(parents=True)
    for cell in IDS:
        Image.fromarray(random.integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(
            paths.images / f"{cell}.png"
        )
    pd.DataFrame({"idINSPIRE": IDS, "path": [f"images/{cell}.png" for cell in IDS]}).to_csv(
        paths.images_table
    )
    fragments = gpd.GeoDataFrame(
        {
            "fragment_id": [f"{cell}_{i}" for cell in IDS for i in range(2)],
            "idINSPIRE": np.repeat(IDS, 2),
            "class": ["water", "roads"] * 12,
            "code": [50000, 12220] * 12,
            "area_m2": [24_000.0, 16_000.0] * 12,
        },
        geometry=[half for cell in IDS for half in halves(cell)],
        crs=grid.CRS,
    )
    fragments.to_parquet(paths.fragments)
    CODES.to_csv(paths.classes, index=False)
    paths.run_folder.mkdir(parents=True)
    cells = pd.DataFrame(
        {
            "idINSPIRE": IDS,
            "fold": np.arange(12) % 2,
            "predicted_class": np.arange(12) % 5,
            "income_class": 0,
            "used": True,
            "block": [f"b{i // 2}" for i in range(12)],
        }
    )
    cells.to_csv(paths.samples, index=False)
    cells.drop(columns="used").to_csv(paths.predictions, index=False)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> list[Path]:
    """Networks of random weights, one a fold; the tests read the files and never write to them."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    for fold in range(2):
        network = networks.build(settings.load("demo-tiny", SMALL).model)
        weight_files.save(network.state_dict(), folder / f"{fold}.pt")
    return sorted(folder.iterdir())


@pytest.fixture
def city(tmp_path, weights) -> Paths:
    """The city of noise, with the networks of its two folds."""
    paths = Paths(tmp_path / "data", tmp_path, "Town", "demo-tiny")
    write_city(paths)
    for fold, path in enumerate(weights):
        paths.weights(fold).parent.mkdir(parents=True)
        paths.weights(fold).hardlink_to(path)
    return paths


def control(paths: Paths, *changes: str, force: bool = False) -> int:
    assignments = [word for assignment in [*SMALL, *changes] for word in ("--set", assignment)]
    words = ["--city", "Town", "--run", "demo-tiny", "--results", paths.results, *assignments]
    return run_script("16", *words, *(["--force"] if force else []))


@pytest.mark.slow
def test_everything_on_gives_every_row(city):
    assert control(city, *ALL) == 0
    table, agreed = (
        pd.read_csv(city.table(f"attribution_{name}")) for name in ("controls", "agreement")
    )
    maps = settings.load("demo-tiny", ALL).controls
    of_batch = [name for name in maps.maps if name != "other_cell"]
    weights = [f"weights_{i}" for i in range(1, 8)]
    expected = ["published", *maps.methods, *of_batch, "other_cell", *weights]
    assert table["control"].unique().tolist() == agreed["control"].unique().tolist() == expected
    assert len(table) == len(expected) * 3 * 2 and len(agreed) == len(expected) * 3
    ratios = table[table["control"] == "published"].pivot(
        index="class", columns="side", values="value"
    )
    assert (ratios.loc["water"] * 0.6 + ratios.loc["roads"] * 0.4)[
        ["poor", "rich"]
    ].tolist() == pytest.approx([1, 1])
    curves = pd.read_csv(city.table("deletion"))
    assert (
        curves["n_cells"].eq(4).all()
        and len(curves) == 4 * 2 * 3
        and not curves["value"].isna().any()
    )
    assert len(pd.read_csv(city.table("deletion_area"))) == 8
    nulls = pd.read_csv(city.table("nulls"))
    assert nulls["null"].unique().tolist() == ["random_weights", "other_cell"]
    shifts = pd.read_csv(city.table("map_shift"))
    assert len(shifts) == 81 and shifts["best"].sum() == 1 and shifts["n_cells"].eq(10).all()


def test_empty_lists_leave_the_published_rows(city):
    assert control(city, "controls.maps=[]") == 0
    assert pd.read_csv(city.table("attribution_controls"))["control"].unique().tolist() == [
        "published"
    ]
    assert (
        pd.read_csv(city.table("deletion")).empty and pd.read_csv(city.table("deletion_area")).empty
    )


@pytest.mark.slow
def test_same_bytes_after_a_kill_between_two_groups(city, monkeypatch):
    from urbancam.explaining.attribution import groups

    assert control(city, CURVES) == 0
    first = city.table("attribution_controls").read_bytes()
    whole, done = groups.examine, []

    def killed_at_the_second(group, *more):
        done.append(group.ids)
        if len(done) == 2:
            raise KeyboardInterrupt
        return whole(group, *more)

    monkeypatch.setattr(groups, "examine", killed_at_the_second)
    assert control(city, CURVES, force=True) == 130
    assert control(city, CURVES, force=True) == 0
    assert len(done) == 3 and city.table("attribution_controls").read_bytes() == first
    assert not list(city.run_folder.glob("*.parts"))


def write_shuffled_variant(city: Paths) -> None:
    variant = city.of_variant("shuffled-labels")
    shares = pd.read_parquet(city.fragments, columns=["fragment_id", "idINSPIRE"])
    variant.activation.parent.mkdir(parents=True)
    shares.assign(poor_share=[0.6, 0.4] * 12, rich_share=[0.3, 0.7] * 12).to_parquet(
        variant.activation
    )


@pytest.mark.slow
def test_shuffled_labels_are_read_from_the_variant(city, capsys):
    assert control(city, "compare.shuffled_labels=true") == 2
    assert "13_project_activation.py" in capsys.readouterr().err
    write_shuffled_variant(city)
    assert control(city, "compare.shuffled_labels=true") == 0
    table = pd.read_csv(city.table("attribution_controls")).query("control == 'shuffled_labels'")
    ratios = table.set_index(["side", "class"])["value"]
    assert ratios["poor"].tolist() == pytest.approx([1, 1]) and ratios[
        "rich", "water"
    ] == pytest.approx(0.5)
    assert ratios["contrast", "water"] == pytest.approx(np.log(0.5))


@pytest.mark.parametrize("shuffled", ["false", "true"])
def test_city_without_poor_or_rich_cells_has_empty_tables(city, capsys, shuffled):
    pd.read_csv(city.predictions).assign(predicted_class=2).to_csv(city.predictions, index=False)
    write_shuffled_variant(city)
    assert control(city, CURVES, f"compare.shuffled_labels={shuffled}") == 0
    assert "no cell is predicted poor or rich" in capsys.readouterr().out
    names = (
        "attribution_controls attribution_agreement deletion deletion_area map_shift nulls".split()
    )
    assert [len(pd.read_csv(city.table(name))) for name in names] == [0, 0, 0, 0, 0, 0]


@pytest.mark.slow
def test_city_without_rich_cells_has_the_poor_ratios(city):
    predictions = pd.read_csv(city.predictions)
    predictions.assign(predicted_class=np.minimum(predictions["predicted_class"], 2)).to_csv(
        city.predictions
    )
    assert control(city) == 0
    table = (
        pd.read_csv(city.table("attribution_controls"))
        .query("control == 'published'")
        .set_index("side")
    )
    assert table.loc["poor", "value"].notna().all() and table.loc["rich", "value"].isna().all()
