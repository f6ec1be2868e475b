"""Step 25 from patches and weights to pictures and tables, with land cover and without."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from samples import SOUTH, WEST, land_cover_frame, run_script
from urban_atlas_classes import CODES
from urbancam.learning.models import networks, weight_files
from urbancam.tables import frames, geoframes
from urbancam.workflow.folder_names import folder_name, folder_name_among
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings

pytestmark = pytest.mark.slow

SMALL = {
    "cities.folds": 3,
    "cities.patch_px": 48,
    "cities.stride_px": 24,
    "cities.image.size_px": 32,
    "cities.relevance.patches": 2,
    "cities.relevance.land_cover_patches": 4,
    "statistics.min_blocks": 2,
    "statistics.draws": 40,
}
SET = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
CITIES = ("Gridtown (GRI)", "Paris (CDG)")


def write_sites(paths: Paths, georeferenced: bool) -> None:
    """Three sites of 96 px in each of two cities.

    Those of Paris lie 200 m apart where its land cover is known.
    """
    rows, random = [], np.random.default_rng(0)
    for city in CITIES:
        for site in range(3):
            file = Path(city, f"s{site}", "image.png")
            (paths.cities_data / file).parent.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 255, (96, 96, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(paths.cities_data / file)
            row = {
                "city": city,
                "site": f"s{site}",
                "image": "image.png",
                "path": str(file),
                "source": "files",
                "acquisition": "",
                "width_px": 96,
                "height_px": 96,
            }
            west = WEST + 200 * site + 100
            place = dict(epsg=3035, west=west, south=SOUTH, east=west + 200, north=SOUTH + 200)
            known = city == CITIES[1] and georeferenced
            rows.append(row | (place if known else dict.fromkeys(place)))
    paths.sites.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(paths.sites, index=False)


def make_project(folder: Path, georeferenced: bool) -> tuple[Paths, list]:
    """Sites, patches, networks of random weights, and the land cover of Paris."""
    paths = Paths(folder / "data", folder / "results", "cities", "demo")
    write_sites(paths, georeferenced)
    asked = [
        "--run",
        "demo",
        "--data",
        paths.data,
        "--results",
        paths.results,
        "--workers",
        1,
        "--device",
        "cpu",
        *SET,
    ]
    assert run_script("22", *asked) == 0
    asked_model = settings.load(
        "demo", [f"{key}={value}" for key, value in SMALL.items()]
    ).cities.model
    torch.manual_seed(0)
    state = networks.build(asked_model, outputs=2).state_dict()
    for fold in range(3):
        weight_files.save(
            state | {"linear.bias": torch.tensor([1000.0 * fold, -1000.0])}, paths.weights(fold)
        )
    land_cover = land_cover_frame().assign(
        polygon_id=range(3),
        code=[11210, 12220, 31000],
        **{"class": ["hd_uf", "roads", "natural_areas"]},
    )
    cover = paths.of_city("Paris").land_cover
    cover.parent.mkdir(parents=True, exist_ok=True)
    geoframes.write(land_cover, cover)
    frames.write(CODES, paths.of_city("Paris").classes)
    return paths, asked


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> tuple[Paths, list]:
    paths, asked = make_project(tmp_path_factory.mktemp("relevance"), georeferenced=True)
    assert run_script("25", *asked) == 0
    return paths, asked


def test_table_has_a_row_a_patch_and_layer(project):
    table = pd.read_csv(project[0].table("relevance"))
    assert table.groupby("city")["patch_id"].nunique().to_dict() == dict.fromkeys(CITIES, 2)
    assert (
        table.groupby("patch_id")["layer"].agg(list).map(tuple)
        == ("layer1", "layer2", "layer3", "layer4")
    ).all()
    assert (table["target"] == table["predicted_city"]).all()
    np.testing.assert_allclose(table["relevance_sum"], 1 / 2, rtol=1e-4)  # of two cities


def test_cities_of_like_names_have_folders_of_their_own():
    cities = ["Lyon (LYS)", "Saint Etienne", "Saint-\u00c9tienne", "\u4e0a\u6d77", "\u5317\u4eac"]
    got = [folder_name_among(city, cities) for city in cities]
    assert got == ["Lyon-LYS", "Saint-Etienne_1", "Saint-Etienne_2", "city_3", "city_4"]


def test_pictures_of_every_layer_and_a_sheet_of_every_city(project):
    paths, _ = project
    table = pd.read_csv(paths.table("relevance"))
    for row in table.itertuples():
        for kind in ("heat", "overlay", "masked"):
            with Image.open(paths.relevance / f"{row.picture}_{row.layer}_{kind}.png") as picture:
                assert picture.size == (32, 32)
    for city in CITIES:
        assert {
            path.suffix for path in (paths.relevance / folder_name(city)).glob("sheet_1.*")
        } == {".png", ".pdf", ".svg"}


def test_patches_are_mapped_by_the_network_of_their_own_fold(project):
    paths, _ = project
    patches = pd.read_parquet(paths.patches).set_index("patch_id")
    table = pd.read_csv(paths.table("relevance"))
    assert table["fold"].nunique() > 1
    for row in table.itertuples():
        assert patches.loc[row.patch_id, f"role_{row.fold}"] == "test"
        assert row.target_logit == pytest.approx(
            1000 * row.fold, abs=100
        )  # the bias that tells the fold's network


def test_relevance_lies_on_the_land_cover_of_the_patch(project):
    paths, _ = project
    rows = pd.read_parquet(paths.relevance_fragments)
    assert set(rows["city"]) == {CITIES[1]} and rows["patch_id"].nunique() == 4
    sums = rows.groupby(["patch_id", "layer"])[["area_m2", "positive_share", "pixel_count"]].sum()
    np.testing.assert_allclose(sums["area_m2"], 100 * 100)  # 48 of 96 px of 200 m
    np.testing.assert_allclose(sums["positive_share"], 1)
    assert (sums["pixel_count"] == 32 * 32).all()
    table = pd.read_csv(paths.table("relevance_by_class"))
    np.testing.assert_allclose(
        (table["area_share"] * table["ratio"]).groupby(table["layer"]).sum(), 1
    )


def test_second_run_is_up_to_date_and_leaves_no_parts(project, capsys):
    paths, asked = project
    assert run_script("25", *asked) == 0
    assert "up to date" in capsys.readouterr().out
    assert not (paths.run_folder / "relevance.parts").exists()


def test_interrupted_run_goes_on_with_the_cities_that_are_left(project, monkeypatch, capsys):
    paths, asked = project
    before = paths.table("relevance").read_bytes(), paths.relevance_fragments.read_bytes()
    calls = []

    def stop_at_third(self, *args, **kwargs):
        calls.append(self)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(self, *args, **kwargs)

    plain = pd.DataFrame.to_parquet
    with monkeypatch.context() as patched:
        patched.setattr(pd.DataFrame, "to_parquet", stop_at_third)
        assert run_script("25", *asked, "--force") == 130
    assert len(list((paths.run_folder / "relevance.parts").glob("*/*.parquet"))) == 2
    assert run_script("25", *asked, "--force") == 0
    assert (paths.table("relevance").read_bytes(), paths.relevance_fragments.read_bytes()) == before


def test_without_coordinates_the_tables_by_class_are_empty_and_it_is_said(tmp_path, capsys):
    paths, asked = make_project(tmp_path, georeferenced=False)
    assert run_script("25", *asked, "--set", "cities.relevance.layers=[layer4]") == 0
    assert "no site has both coordinates and land cover" in capsys.readouterr().out
    table = pd.read_csv(paths.table("relevance_by_class"))
    assert table.empty and {"city", "layer", "class", "ratio"} <= set(table.columns)


def test_missing_weights_say_what_to_run(tmp_path, capsys):
    paths, asked = make_project(tmp_path, georeferenced=False)
    paths.weights(1).unlink()
    assert run_script("25", *asked) == 2
    assert "23_train_cities.py" in capsys.readouterr().err
