"""The export of a run: whole, the same bytes for the same results, a new version for others."""

import csv
import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
import yaml

from samples import ROOT, run_script
from urbancam.workflow.export import archives, contents, texts
from urbancam.workflow.settings import settings

RUN = "demo-tiny"
EXPORTED = ["report.html", "predictions.csv", "tables/metrics.csv", "figures/scores.png", "a.gpkg"]
EXPORTED += ["page/cells.json", "page/cell.jpg"]
LEFT = ["fold_0/weights.pt", "maps/cell.png", "activation.parquet", "variants/seed-1/a.csv", ".x"]


@pytest.fixture
def results(tmp_path) -> Path:
    """Results of a town, as its steps would leave them; no step was run."""
    run = tmp_path / "results" / "Town" / RUN
    for name in [*EXPORTED, *LEFT]:
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(f"{name}\n")
    images = tmp_path / "results" / "Town" / "images.csv"
    images.write_text("idINSPIRE,campaign_year\nb,2018.0\na,2014.0\nc,\n")
    record(tmp_path, "92_make_report", run / "report.html", [run / "tables" / "metrics.csv"])
    record(tmp_path, "12_evaluate_income", run / "tables" / "metrics.csv", [])
    return tmp_path / "results"


def record(folder: Path, step: str, result: Path, inputs: list[Path], date="today") -> None:
    """The record of a step beside its result."""
    hashes = {str(path): {"sha256": sha256(path), "mtime_ns": 1} for path in inputs}
    content = {
        "step": step,
        "version": 3,
        "settings": settings.load(RUN).pick("split.folds"),
        "inputs": hashes,
        "sha256": {str(result): sha256(result)},
        "date": date,
        "seconds": len(date),
        "commit": "abc",
    }
    result.with_name(f"{result.name}.json").write_text(json.dumps(content))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def export(results: Path, *more: str) -> int:
    places = ["--data", str(results.parent / "data"), "--results", str(results)]
    return run_script("96", "--city", "Town", "--run", RUN, *places, *more)


def archive(results: Path, version: int = 1) -> Path:
    return results / "exports" / f"Town-{RUN}-v{version}.zip"


def read(results: Path, name: str, version: int = 1) -> str:
    return archives.read_text(archive(results, version), name)


def test_export_holds_what_others_can_use_and_how_it_was_made(results):
    assert export(results) == 0
    with zipfile.ZipFile(archive(results)) as opened:
        names = {name.partition("/")[2] for name in opened.namelist()}
    made = "README.md CHANGES.md CITATION.cff CREDITS.md LICENSE columns.md manifest.csv"
    assert names == {*EXPORTED, *made.split(), "records.json", "settings.yaml"}


def test_manifest_tells_the_truth(results):
    export(results)
    rows = list(csv.DictReader(read(results, "manifest.csv").splitlines()))
    with zipfile.ZipFile(archive(results)) as opened:
        for row in rows:
            content = opened.read(f"Town-{RUN}-v1/{row['file']}")
            assert (len(content), hashlib.sha256(content).hexdigest()) == (
                int(row["bytes"]),
                row["sha256"],
            )
    assert {*EXPORTED, "settings.yaml", "records.json"} <= {row["file"] for row in rows}


def test_settings_in_the_export_are_those_of_the_run(results):
    export(results, "--set", "training.epochs=3")
    text = read(results, "settings.yaml")
    got = settings.Settings.model_validate(yaml.safe_load(text))
    assert got == settings.load(RUN, ["training.epochs=3"]) and "# --set training.epochs=3" in text


def test_same_results_elsewhere_and_later_give_the_same_zip(results, tmp_path):
    export(results)
    other = tmp_path / "elsewhere" / "results"
    shutil.copytree(results / "Town", other / "Town")
    run = other / "Town" / RUN
    for path in run.rglob("*"):
        os.utime(path, (1, 1))
    record(tmp_path, "92_make_report", run / "report.html", [run / "tables" / "metrics.csv"], "x")
    record(tmp_path, "12_evaluate_income", run / "tables" / "metrics.csv", [], "long ago")
    assert export(other) == 0
    assert archive(other).read_bytes() == archive(results).read_bytes()


def test_same_results_make_no_new_version_and_others_one_that_says_what_changed(results, capsys):
    export(results)
    assert export(results) == 0 and not archive(results, 2).exists()
    assert "nothing changed since version 1" in capsys.readouterr().out
    (results / "Town" / RUN / "a.gpkg").unlink()
    (results / "Town" / RUN / "tables" / "seeds.csv").write_text("new\n")
    assert export(results, "--set", "training.epochs=3") == 0
    changes = read(results, "CHANGES.md", 2)
    assert "new: tables/seeds.csv\n" in changes and "gone: a.gpkg\n" in changes
    assert "training.epochs: 2 -> 3\n" in changes
    assert yaml.safe_load(read(results, "CITATION.cff", 2))["version"] == "2"


def test_citation_names_both_studies_the_software_and_the_data(results):
    export(results)
    got = yaml.safe_load(read(results, "CITATION.cff"))
    references = {reference["title"]: reference for reference in got["references"]}
    software = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert got["type"] == "dataset" and got["cff-version"] == "1.2.0"
    assert references[software["title"]]["notes"] == "commit abc"
    dois = {reference.get("doi") for reference in references.values()}
    assert {"10.1038/s42256-020-00243-5", "10.3390/buildings14020551"} <= dois
    assert {"Images of the cells 2014, 2018", "Filosofi, gridded data 2015"} <= references.keys()
    assert "Urban Atlas 2012" in references and "INSEE" in read(results, "CREDITS.md")


def test_land_cover_of_a_file_is_credited_as_the_settings_say(results):
    asked = ["landcover.source=file", "landcover.file=own.gpkg", "landcover.credit=GUGiK 2018"]
    export(results, *(word for pair in asked for word in ("--set", pair)))
    assert "- Land cover: GUGiK 2018." in read(results, "CREDITS.md")
    references = yaml.safe_load(read(results, "CITATION.cff"))["references"]
    assert {"title": "Land cover", "name": "GUGiK 2018"} in [
        {"title": reference["title"], "name": reference["authors"][0].get("name")}
        for reference in references
    ]
    assert "Urban Atlas" not in read(results, "CREDITS.md")


def test_cells_of_a_file_are_not_credited_to_insee(results):
    cells = ["source=file", "file=a/rents.csv", "value_name=rent", "value_unit=EUR"]
    export(results, *(word for pair in cells for word in ("--set", f"cells.{pair}")))
    assert "- Values of the cells: rents.csv." in read(results, "CREDITS.md")
    references = yaml.safe_load(read(results, "CITATION.cff"))["references"]
    assert "rents.csv" in [one["authors"][0].get("name") for one in references]
    assert "INSEE" not in read(results, "CREDITS.md") + read(results, "CITATION.cff")


def test_studies_are_cited_completely():
    articles = yaml.safe_load((ROOT / "CITATION.cff").read_text())["references"]
    keys = {"title", "authors", "journal", "volume", "issue", "start", "year", "doi"}
    assert len(articles) == 2 and all(keys <= article.keys() for article in articles)


def test_rendered_demo_is_nobodys_data():
    sources = texts.Sources(rendered=True)
    assert "no real incomes" in texts.credits(sources) and "IGN" not in texts.credits(sources)


@pytest.mark.parametrize("damage", ["tables/metrics.csv", "report.html"])
def test_file_that_is_not_as_its_step_left_it_is_not_exported(results, capsys, damage):
    (results / "Town" / RUN / damage).write_text("by hand\n")
    assert export(results) == 2
    message = capsys.readouterr().err
    assert damage in message and f"run ./run.sh Town --run {RUN} first" in message
    assert not archive(results).exists()


def test_run_made_with_other_settings_is_not_exported(results, capsys):
    assert export(results, "--set", "split.folds=4") == 2
    assert "split.folds" in capsys.readouterr().err


def test_city_without_results_is_refused(tmp_path, capsys):
    assert export(tmp_path / "results") == 2
    assert "is here to export" in capsys.readouterr().err


def test_names_of_files_do_not_tell_the_disk():
    folders = {Path("/home/ada/results"): "results"}
    assert contents.public_name("/home/ada/results/Town/a.csv", folders) == "results/Town/a.csv"
    assert contents.public_name("aerial_links.txt", folders) == "aerial_links.txt"
