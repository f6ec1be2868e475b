"""The land cover of a city: what is refused and said, and a real one."""

import pytest

import samples
from samples import WEST, land_cover_frame, outline_frame, write_old_urban_atlas
from urban_atlas_city import read, read_poznan
from urban_atlas_classes import TABLE
from urbancam.sources.urban_atlas import products
from urbancam.workflow.errors import InputError


def test_nothing_here_says_what_to_fetch_and_where_to_put_it(tmp_path):
    with pytest.raises(InputError) as raised:
        read(tmp_path, "Lyon", 2018)
    assert "no Urban Atlas 2018 of Lyon is here (cities found: none)" in raised.value.what
    assert "_UA2018_v013.zip" in raised.value.do
    assert "CLMS_UA_LCU_S2018" in raised.value.do
    assert raised.value.where in raised.value.do


def test_unknown_city_is_told_which_are_here(tmp_path):
    write_old_urban_atlas(tmp_path)
    with pytest.raises(InputError, match=r"cities found: FR001L1 Paris"):
        read(tmp_path, "Lyon")


def test_another_edition_is_offered(tmp_path):
    write_old_urban_atlas(tmp_path)
    with pytest.raises(InputError, match=r"--set urban_atlas.edition=2012"):
        read(tmp_path, edition=2018)


def test_land_cover_of_elsewhere_is_refused_with_both_extents(tmp_path):
    land = land_cover_frame()
    write_old_urban_atlas(tmp_path, land=land.set_geometry(land.translate(100_000, 0)))
    with pytest.raises(InputError, match=r"covers 0.0 % of Paris: outline x 3,760,000"):
        read(tmp_path)


def test_land_cover_of_a_part_is_said(tmp_path, caplog):
    write_old_urban_atlas(tmp_path, outline=outline_frame(east=WEST + 1000))
    read(tmp_path)
    assert "covers 80.0 % of Paris" in caplog.text


@pytest.mark.parametrize("suffix", [".shp", ".dbf", ".shx"])
def test_truncated_shapefile_is_refused(tmp_path, suffix):
    land_cover_frame().to_file(tmp_path / "FR001L1_PARIS_UA2012.shp")
    path = tmp_path / f"FR001L1_PARIS_UA2012{suffix}"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError):
        read(tmp_path)


@pytest.mark.parametrize("suffix", [".gpkg", ".fgb"])
@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_truncated_table_is_refused(tmp_path, suffix, share):
    path = tmp_path / f"FR001L1_PARIS_UA2018{suffix}"
    land_cover_frame(2018).to_file(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(InputError):
        read(tmp_path, edition=2018)


# the real thing


@pytest.mark.slow
@pytest.mark.real_data
def test_poznan_is_read_by_name_or_code(tmp_path):
    land, boundary = read_poznan(tmp_path)
    assert len(land) == 2386 and land["code"].nunique() == 19
    by_code, _ = products.read_city(
        samples.REAL_DATA, "PL005L2", 2018, TABLE, samples.Path("unused")
    )
    assert by_code["code"].tolist() == land["code"].tolist()
    assert boundary.area.sum() / 1e6 == pytest.approx(73.6, abs=0.1)
