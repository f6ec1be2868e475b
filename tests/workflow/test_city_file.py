"""A city's own settings: above the runs, below `--set`, relative to its folder."""

from pathlib import Path

import pytest

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import as_yaml, settings


def write_city(data: Path, text: str, city: str = "Poznan") -> Path:
    """The file of a city of one's own."""
    file = Paths(data, data / "results", city).city_file
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def test_city_says_more_than_its_run_and_less_than_an_argument(tmp_path):
    write_city(tmp_path, "imagery: {year: 2018, coarser: true}")
    asked = ["imagery.coarser=false"]
    made = settings.load("demo", asked, city="Poznań", data=tmp_path)
    assert (made.imagery.year, made.imagery.coarser) == (2018, False)
    assert made.split == settings.load("demo").split


def test_file_of_one_city_says_nothing_of_another(tmp_path):
    write_city(tmp_path, "imagery: {year: 2018}")
    assert settings.load("demo", city="Lyon", data=tmp_path) == settings.load("demo")


def test_variant_lies_on_the_city(tmp_path):
    write_city(tmp_path, "imagery: {year: 2018}")
    made = settings.load("demo", variant="split-random", city="Poznan", data=tmp_path)
    assert (made.imagery.year, made.split.method) == (2018, "random")


def test_city_file_lies_in_the_data_folder_of_the_run(tmp_path):
    file = write_city(tmp_path, "imagery: {year: 2018}")
    asked = [f"data_dir={file.parents[2]}"]
    assert settings.load("demo", asked, city="Poznan").imagery.year == 2018


def test_tables_of_features_are_relative_to_the_city(tmp_path):
    file = write_city(tmp_path, "baselines: {tables: [light.csv]}")
    made = settings.load("demo", city="Poznan", data=tmp_path)
    assert made.baselines.tables == [str(file.with_name("light.csv"))]


def test_files_are_relative_to_the_city(tmp_path):
    text = "landcover: {file: land.gpkg, classes: worldcover}\nimagery: {files: [a/*.tif, /b.tif]}"
    file = write_city(tmp_path, text)
    layer = settings.read_layers("demo", city="Poznan", data=tmp_path)[-1]
    assert layer.values["landcover"] == {
        "file": str(file.parent / "land.gpkg"),
        "classes": "worldcover",
    }
    assert layer.values["imagery"] == {"files": [str(file.parent / "a/*.tif"), "/b.tif"]}


def test_value_of_a_city_names_the_city_as_its_place(tmp_path):
    file = write_city(tmp_path, "imagery: {year: 2018}")
    text = as_yaml.render(settings.read_layers("demo", city="Poznan", data=tmp_path))
    line = next(line for line in text.splitlines() if line.startswith("  year: 2018"))
    assert line.endswith(f"# {file}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training: {epochs: 3}", "no fact of a city: training.epochs"),
        ("split: {folds: 3}", "no fact of a city: split.folds"),
        ("seed: 3", "no fact of a city: seed"),
        ("imagry: {year: 2018}", r"imagry.year \(did you mean imagery\?\)"),
        ("imagery: {yaer: 2018}", "did you mean imagery.year?"),
        ("imagery: {year: soon}", "imagery.year"),
        ("- imagery", "holds `key: value` lines"),
        ("imagery: [", "not readable as YAML"),
    ],
)
def test_what_is_no_fact_of_a_city_is_refused_with_its_place(tmp_path, text, words):
    file = write_city(tmp_path, text)
    with pytest.raises(InputError, match=words) as caught:
        settings.load("demo", city="Poznan", data=tmp_path)
    assert str(file) in str(caught.value)
