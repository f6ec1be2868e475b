"""`./run.sh new`: a commented file that loads as it is, and is never written over."""

import re

import pytest
import yaml

from urbancam.workflow.paths import CONFIG, city_file
from urbancam.workflow.running import scripts
from urbancam.workflow.settings import new_city, settings
from urbancam.workflow.settings.city_file import FACTS


def new(folder, *words: str) -> int:
    return scripts.load("89_new_city").main(["--city", "Poznań", "--data", str(folder), *words])


def test_new_file_is_a_whole_city_beside_its_files(tmp_path, capsys):
    assert new(tmp_path) == 0
    file = city_file(tmp_path, "Poznan")
    assert f"writes {file}" in capsys.readouterr().out
    made = settings.load("default", city="Poznan", data=tmp_path)
    assert made.cells.source == "file" and made.cells.file == str(file.with_name("cells.gpkg"))
    assert made.imagery.files == [str(file.parent / "images/*.tif")]
    assert made.landcover.file == str(file.with_name("landcover.gpkg"))
    assert made.landcover.classes == "urban_atlas"


def test_file_names_the_schema_from_where_it_lies(tmp_path):
    assert new(tmp_path) == 0
    file = city_file(tmp_path, "Poznan")
    name = file.read_text().splitlines()[0].partition("$schema=")[2]
    assert (file.parent / name).resolve() == CONFIG / "schema.json"


def test_file_that_is_there_is_left_as_it_is(tmp_path, capsys):
    file = city_file(tmp_path, "Poznan")
    file.parent.mkdir(parents=True)
    file.write_text("imagery: {year: 2018}")
    assert new(tmp_path) == 2 and file.read_text() == "imagery: {year: 2018}"
    assert "has a file of settings already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["", "???"])
def test_what_is_no_name_is_refused(tmp_path, capsys, name):
    assert scripts.load("89_new_city").main(["--city", name, "--data", str(tmp_path)]) == 2
    assert "not a city's name" in capsys.readouterr().err and not [*tmp_path.iterdir()]


def test_what_the_file_offers_in_comments_are_settings_too():
    """Each line that may be switched on is one that loading takes."""
    text = new_city.TEMPLATE.read_text()
    switched_on = re.sub(r"^( *)# (\w+:)", r"\1\2", text, flags=re.MULTILINE)
    switched_on = re.sub(r"^#   ", "  ", switched_on, flags=re.MULTILINE)
    values = yaml.safe_load(switched_on)
    keys = {f"{section}.{key}" for section, facts in values.items() for key in facts}
    known = {*settings.all_keys()}
    assert keys <= known and {key.partition(".")[0] for key in FACTS} >= set(values)
    assert "cells.crs" in keys and "split.block_m" in keys
