"""The demo city: plan, pixels, incomes and packaging, at a dozen cells; the full plan without its pixels."""

import functools
import json
import runpy
from pathlib import Path

import geopandas as gpd
import numpy as np
import py7zr
import pytest
import rasterio
import rasterio.features
import shapely
from multivolumefile import MultiVolume
from scipy.stats import spearmanr
from sklearn.neighbors import KNeighborsRegressor

from urbancam.demo import city, package
from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import draw_plan
from urbancam.demo.layout.site import to_laea, to_lambert
from urbancam.demo.people import households, income
from urbancam.demo.rendering.materials import LEVELS, MATERIAL, SHADED, colour_table
from urbancam.demo.rendering.tiles import make_renderer
from urbancam.demo.town import draw_town
from urbancam.workflow import settings
from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, Paths

TINY = settings.load("demo-tiny")
SITE = city.site_of(TINY)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Paths:
    """The tiny city, packed."""
    paths = Paths(tmp_path_factory.mktemp("data"), Path("unused"))
    city.make_city(TINY, paths, workers=1)
    return paths


@pytest.fixture(scope="module")
def plan():
    return draw_plan(SITE)


@pytest.fixture(scope="module")
def renderer(plan):
    return make_renderer(SITE, draw_town(SITE, plan), TINY.imagery.pixel_size_m)


@pytest.fixture(scope="module")
def census(made) -> gpd.GeoDataFrame:
    return gpd.read_file(made.census_data / f"{package.CENSUS}_shp.zip")


@pytest.fixture(scope="module")
def land_cover(made) -> dict[str, gpd.GeoDataFrame]:
    archive = f"zip://{made.urban_atlas_data}/FR901L1_DEMO.zip!FR901L1_DEMO/Shapefiles/FR901L1_DEMO_UA2012"
    return {
        "cover": gpd.read_file(f"{archive}.shp"),
        "boundary": gpd.read_file(f"{archive}_Boundary.shp"),
    }


@pytest.fixture(scope="module")
def packs(made, tmp_path_factory) -> dict[str, Path]:
    """Both packs unpacked: department -> folder."""
    folders = {}
    for pack in package.plan_packs(SITE):
        folders[pack.department] = tmp_path_factory.mktemp(pack.department)
        with MultiVolume(made.aerial_data / f"{pack.name}.7z", "rb", ext_digits=3) as volumes:
            with py7zr.SevenZipFile(volumes) as archive:
                archive.extractall(folders[pack.department])
    return folders


def tile_of(folder: Path, place: tuple[int, int]) -> Path:
    return next(folder.rglob(f"*-{place[0]:04d}-{place[1]:04d}-*.jp2"))


# plan


def test_plan_tiles_the_plane(plan):
    assert shapely.coverage_is_valid(plan.faces) and shapely.is_valid(plan.faces).all()
    assert shapely.area(plan.faces).sum() == pytest.approx(SITE.domain.area, abs=1e-3)


def test_plan_holds_every_class_that_the_rule_and_the_pictures_need(plan):
    expected = set(landuse.ITEMS) - {
        landuse.URBAN_DENSE,
        landuse.SPORT,
    }  # a dozen cells may lack these
    assert expected <= set(plan.codes) <= set(landuse.ITEMS)


def test_most_cells_hold_several_classes(plan):
    ids, squares = SITE.cells()
    inside = shapely.contains_properly(to_laea(plan.outline), shapely.centroid(squares))
    shares = income.class_shares(plan, squares[inside])
    assert (shares > 0.02).sum(axis=1).median() >= 3
    assert np.allclose(shares.sum(axis=1), 1)


def test_class_share_is_that_of_the_plain_intersection(plan):
    _, squares = SITE.cells()
    got = income.class_shares(plan, squares)[landuse.INDUSTRY]
    halls = shapely.union_all(plan.of(landuse.INDUSTRY))
    expected = shapely.area(shapely.intersection(to_lambert(squares), halls)) / 40_000
    assert got.to_numpy() == pytest.approx(
        expected, abs=2e-3
    )  # the two projections differ by 0.1 % in area


# pixels


def test_windows_join_without_a_seam(renderer):
    whole = renderer.window(250, 250, 80, 64)
    parts = [renderer.window(250, 250, 33, 64), renderer.window(283, 250, 47, 64)]
    assert whole.shape == (3, 64, 80) and whole.dtype == np.uint8
    assert np.array_equal(np.concatenate(parts, axis=2), whole)


def test_shade_is_darker_and_bluer():
    table = colour_table().view("uint8").reshape(2 * SHADED, LEVELS, 4).astype(float)
    lit, shaded = table[MATERIAL["pavement"]], table[MATERIAL["pavement"] + SHADED]
    assert (shaded[:, :3] < lit[:, :3]).all() and (
        shaded[:, 2] / shaded[:, 0] > lit[:, 2] / lit[:, 0]
    ).all()


def test_parks_are_greener_than_yards(plan, renderer):
    got = {}
    for code in (landuse.GREEN, landuse.INDUSTRY):
        x, y = max(plan.of(code), key=shapely.area).centroid.coords[0]
        column, row = int((x - SITE.west) / 3.125), int((SITE.north - y) / 3.125)
        red, green, blue = renderer.window(column - 6, row - 6, 12, 12).mean(axis=(1, 2))
        got[code] = green - (red + blue) / 2
    assert got[landuse.GREEN] > got[landuse.INDUSTRY] + 5


# packs


def test_both_packs_ship_the_border_tile_and_four_tiles_in_all(packs):
    names = [
        {path.name.split("-", 2)[2] for path in folder.rglob("*.jp2")} for folder in packs.values()
    ]
    assert len(names[0] | names[1]) == 4 and len(names[0] & names[1]) == 1


def test_tile_index_names_every_tile_with_a_dot_slash(packs):
    for folder in packs.values():
        index = gpd.read_file(next(folder.rglob("3_SUPPLEMENTS_LIVRAISON_*/*/dalles.shp")))
        names = {path.name for path in folder.rglob("1_DONNEES_LIVRAISON_*/*/*.jp2")}
        assert set(index["NOM"]) == {f"./{name}" for name in names} and index.crs.to_epsg() == 2154


def test_packs_differ_in_the_folders_above_orthohr(packs):
    depths = {len(next(f.rglob("ORTHOHR")).relative_to(f).parts) for f in packs.values()}
    assert depths == {2, 3}


def test_tile_lies_where_its_name_says(packs):
    for path in packs["96"].rglob("*.jp2"):
        x_km, y_km = (int(part) for part in path.name.split("-")[2:4])
        with rasterio.open(path) as tile:
            assert (
                tile.crs.to_epsg() == 2154
                and tile.bounds.left == x_km * 1000
                and tile.bounds.top == y_km * 1000
            )
            assert tile.shape == (320, 320) and tile.res == (3.125, 3.125)


def test_border_tile_is_black_abroad_and_whole_in_the_other_pack(packs):
    abroad = package.department_99(SITE).buffer(-20).intersection(SITE.outline())
    filled, whole = (
        rasterio.open(tile_of(packs[dep], package.border_tile(SITE))) for dep in ("96", "99")
    )
    mask = rasterio.features.geometry_mask([abroad], filled.shape, filled.transform, invert=True)
    assert mask.sum() > 500 and filled.read()[:, mask].max() < 30
    assert np.median(whole.read()[:, mask]) > 60
    filled.close(), whole.close()


def test_cells_of_the_city_lie_on_tile_and_pack_borders(census):
    x, y = SITE.centre
    squares = census.geometry[census["Depcom"].str.endswith("01")]
    assert squares.intersects(shapely.LineString([(x, y), (x, y - 1000)])).sum() >= 2
    assert SITE.domain.contains(shapely.union_all(squares.to_numpy()))


# census


def test_census_has_insees_columns(census):
    assert (
        list(census.columns.drop("geometry")) == households.COLUMNS
        and len(households.COLUMNS) == 37
    )
    assert census.crs.to_epsg() == 2154 and census["IdINSPIRE"].is_unique


def test_census_has_rows_of_no_use(census):
    assert (census["Ind"] == 0).any() and census["Ind_snv"].isna().any()


def test_imputed_cells_of_a_group_share_one_income_within_400_m():
    table = full_census()[1]
    table = table[table["I_est_cr"] == 1]
    per_person = (table["Ind_snv"] / table["Ind"]).groupby(table["Groupe"])
    assert (per_person.max() - per_person.min()).max() < 0.1 and per_person.size().min() >= 2
    block = table["IdINSPIRE"].str.extract(r"N(\d+)E(\d+)").astype(int) // households.GROUP_M
    assert (block.groupby(table["Groupe"]).nunique() == 1).all(axis=None)
    assert (
        table.groupby("Groupe")["Men"].sum().min()
        >= households.SECRECY_HOUSEHOLDS
        > table["Men"].max()
    )


def test_counts_of_one_whole_add_up_to_it():
    table = full_census()[1].query("I_est_cr == 0")
    assert np.allclose(table[list(households.AGES)].sum(axis=1), table["Ind"])
    assert np.allclose(table[list(households.BUILT)].sum(axis=1), table["Men"])
    assert np.allclose(table["Men_coll"] + table["Men_mais"], table["Men"])


# land cover


def test_land_cover_fills_the_boundary(land_cover):
    cover, boundary = land_cover["cover"], land_cover["boundary"]
    assert cover.crs.to_epsg() == boundary.crs.to_epsg() == 3035 and list(boundary["FUA_NAME"]) == [
        "Demo"
    ]
    assert cover.area.sum() == pytest.approx(boundary.area.sum(), rel=1e-6)
    assert (
        cover.union_all().area == pytest.approx(cover.area.sum(), rel=1e-6) and cover.is_valid.all()
    )


def test_land_cover_carries_codes_and_labels(land_cover):
    pairs = land_cover["cover"].drop_duplicates("CODE2012").set_index("CODE2012")["ITEM2012"]
    assert {int(code): item for code, item in pairs.items()}.items() <= landuse.ITEMS.items()


# rule


@functools.cache
def full_census():
    """The city of run `demo`, without its pixels: truth and INSEE's table."""
    demo = settings.load("demo")
    site = city.site_of(demo)
    cells, incomes = city.people_the_cells(site, draw_plan(site), demo)
    inhabited = cells[cells["in_city"] & (cells["people"] > 0)]
    table = city.make_census(site, cells, demo.demo.imputed_share)
    truth = incomes.loc[inhabited.index].assign(idINSPIRE=inhabited["id"])
    return truth.merge(table, left_on="idINSPIRE", right_on="IdINSPIRE"), table


def variance_shares() -> list[float]:
    """Visible, smooth and unseen share of the variance of log income."""
    return [
        TINY.demo.visible_share,
        TINY.demo.smooth_share,
        1 - TINY.demo.visible_share - TINY.demo.smooth_share,
    ]


@pytest.fixture(scope="module")
def full():
    truth, _ = full_census()
    return truth.assign(published_eur=truth["Ind_snv"] / truth["Ind"])


def test_full_city_has_enough_cells_of_plausible_income(full):
    assert len(full) >= 250 and 0.15 < full["I_est_cr"].mean() < 0.25
    assert full["published_eur"].between(9_000, 45_000).all()


def test_income_follows_what_can_be_seen(full):
    assert spearmanr(full["visible"], full["published_eur"]).statistic >= 0.75


def test_place_alone_tells_little(full):
    place = full["IdINSPIRE"].str.extract(r"N(\d+)E(\d+)").astype(int)
    block = (place // 400).apply(tuple, axis=1).factorize()[0]
    fold = np.random.default_rng(0).integers(0, 3, block.max() + 1)[block]
    told = np.zeros(len(full))
    for number in range(3):
        rest = fold != number
        model = KNeighborsRegressor(8).fit(place[rest], np.log(full["published_eur"][rest]))
        told[~rest] = model.predict(place[~rest])
    assert spearmanr(told, full["published_eur"]).statistic <= 0.4


def test_parts_have_the_variances_of_the_rule(full):
    log_income = np.log(full["income_eur"] / income.MEDIAN_EUR) / income.SPREAD
    visible, smooth, unseen = np.sqrt(variance_shares())
    rest = log_income - visible * full["visible"] - smooth * full["smooth"]
    assert full[["visible", "smooth", "unseen"]].std().to_numpy() == pytest.approx(1, abs=0.01)
    assert rest.to_numpy() == pytest.approx(unseen * full["unseen"].to_numpy())


def test_truth_tells_the_rule_of_every_cell(made):
    truth = json.loads(made.truth.read_text())
    cell = truth["cells"][0]
    parts = np.dot(np.sqrt(variance_shares()), [cell["visible"], cell["smooth"], cell["unseen"]])
    assert cell["income_eur"] == pytest.approx(
        truth["median_eur"] * np.exp(truth["spread_log"] * parts), rel=1e-4
    )
    assert truth["raises"]["log_income_per_share"] == -truth["lowers"]["log_income_per_share"] > 0


# all together


def test_same_seed_gives_the_same_bytes(made, tmp_path):
    again = Paths(tmp_path, Path("unused"))
    city.make_city(TINY, again, workers=2)
    files = [path.relative_to(made.data) for path in sorted(made.data.rglob("*")) if path.is_file()]
    assert len(files) == 9  # two zips, two packs of three volumes, the truth
    assert all(
        (made.data / name).read_bytes() == (again.data / name).read_bytes() for name in files
    )


def test_script_makes_the_city_once(tmp_path, capsys):
    main = runpy.run_path(str(ROOT / "code" / "00_make_demo_city.py"))["main"]
    words = [
        "--run",
        "demo-tiny",
        "--data",
        str(tmp_path / "data"),
        "--results",
        str(tmp_path),
        "--workers",
        "1",
    ]
    assert main(words) == 0 and "inhabited cells" in capsys.readouterr().out
    assert main(words) == 0 and "up to date" in capsys.readouterr().out
    next((tmp_path / "data" / "aerial_data").glob("*.7z.002")).unlink()
    assert main([*words, "--status"]) == 0 and "7z.002 is missing" in capsys.readouterr().out


def test_script_keeps_the_demo_out_of_real_data(capsys):
    main = runpy.run_path(str(ROOT / "code" / "00_make_demo_city.py"))["main"]
    assert main(["--run", "default"]) == 2 and "among real data" in capsys.readouterr().err


def test_city_that_does_not_fit_its_tiles_is_refused():
    with pytest.raises(InputError, match="at most 880 fit"):
        settings.load("demo-tiny", ["demo.radius_m=900"])
