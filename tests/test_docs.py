"""README and docs: links, commands, settings, assumptions and examples are as the code has them."""

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import torch
import yaml

import samples
from urbancam.explaining import receptive_fields
from urbancam.learning.models import backbones, networks
from urbancam.workflow.settings import settings
from urbancam.workflow.settings.section_types import Section

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [ROOT / "data" / "README.md", ROOT / "results" / "README.md"]
EXTENDING = ROOT / "docs" / "extending.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"\./run\.sh(?!\w)|(\.venv/bin/)?python \S+\.py")
SCRIPT = re.compile(r"code/\d\d_\w+\.py")
FILE_ENDINGS = ("csv", "json", "md", "npy", "parquet", "pdf", "png", "py", "yaml")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text())


def blocks(page: Path, language: str) -> list[str]:
    return [body for name, body in FENCE.findall(page.read_text()) if name == language]


def spans(page: Path) -> list[str]:
    """What stands between single backticks."""
    return re.findall(r"`([^`]+)`", prose(page))


# ---- links, pictures, size


def anchors(page: Path) -> set[str]:
    """Names of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pages
def test_links_and_pictures_point_to_something(page):
    missing = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


@pages
def test_files_of_the_project_that_a_page_names_exist(page):
    named = [span for span in spans(page) if re.match(r"(code|docs|tests|imgs|environment)/", span)]
    assert [span for span in named if not list(ROOT.glob(span.partition(" ")[0]))] == []


def test_every_picture_is_shown_somewhere():
    text = "".join(page.read_text() for page in PAGES)
    assert [path.name for path in (ROOT / "imgs").iterdir() if path.name not in text] == []


def test_readme_is_short_and_leads_to_every_page():
    readme = ROOT / "README.md"
    assert len(readme.read_bytes()) <= 10_000
    links = readme.read_text()
    assert [p.name for p in (ROOT / "docs").glob("*.md") if f"(docs/{p.name}" not in links] == []


def test_every_step_has_its_heading_in_order():
    headings = re.findall(
        r"^## (\d\d_\w+)$", (ROOT / "docs" / "steps.md").read_text(), re.MULTILINE
    )
    assert headings == sorted(path.stem for path in (ROOT / "code").glob("[0-9][0-9]_*.py"))


# ---- commands


def commands(page: Path) -> list[list[str]]:
    """Words of the commands on a page; what stands in brackets may be left out or not."""
    lines = [line for _, body in FENCE.findall(page.read_text()) for line in body.splitlines()]
    lines = [line.partition("  #")[0] for line in lines] + spans(page)
    called = [line for line in lines if COMMAND.match(line)]
    both = {re.sub(r" *\[.*?\]", "", line) for line in called} | {
        re.sub(r"[\[\]]", "", line) for line in called
    }
    return [shlex.split(line) for line in sorted(both)]


@pytest.fixture(scope="module")
def bare_house(tmp_path_factory) -> Path:
    """The project without its Python environment, where nothing but --dry-run could work."""
    house = tmp_path_factory.mktemp("bare")
    shutil.copytree(ROOT / "code", house / "code", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run.sh", house)
    write_example_runs(house)
    return house


@pytest.fixture(scope="module")
def plans(bare_house) -> dict[str, list[list[str]]]:
    """The calls of scripts that each command of the pages comes down to."""
    asked = {shlex.join(words): words for page in PAGES for words in commands(page)}
    asked["./run.sh all"] = ["./run.sh", "Paris"]  # one of the five cities, to save time
    alike = {line: tuple(word for word in asked[line] if word != "--dry-run") for line in asked}
    different = sorted(set(alike.values()))
    with ThreadPoolExecutor() as pool:
        calls = pool.map(lambda words: planned_calls(bare_house, list(words)), different)
        plans = dict(zip(different, calls, strict=True))
    return {line: plans[words] for line, words in alike.items()}


def planned_calls(house: Path, words: list[str]) -> list[list[str]]:
    """Calls of scripts that a command comes down to."""
    if words[0] != "./run.sh":
        return [words[1:]]
    if "test" in words:  # has no plan
        assert all(f" {word}" in (ROOT / "run.sh").read_text() for word in words[1:])
        return []
    done = subprocess.run(
        ["bash", *words, "--dry-run"],
        capture_output=True,
        text=True,
        cwd=house,
        env=os.environ | {"PYTHON": str(Path(sys.executable).resolve())},
    )
    assert done.returncode == 0, done.stderr
    lines = [
        line[found.start() :] for line in done.stdout.splitlines() if (found := SCRIPT.search(line))
    ]
    assert lines or "status" in words  # of what is there, which is nothing
    return [shlex.split(line) for line in lines]


PARSERS: dict[str, object] = {}


def parse(house: Path, call: list[str]):
    """The arguments of a call, as its script reads them; programs of the tests have no house."""
    path = (house if SCRIPT.fullmatch(call[0]) else ROOT) / call[0]
    if path.name not in PARSERS:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        PARSERS[path.name] = module.parse_args
    return PARSERS[path.name](call[1:])


@pytest.mark.slow
@pages
def test_commands_are_accepted(page, bare_house, plans):
    asked = set()
    for words in commands(page):
        for call in plans[shlex.join(words)]:
            args = parse(bare_house, call)  # exits where the script refuses its words
            if "run" not in args:  # a benchmark
                continue
            run = args.run or "default"  # where none is named the cluster takes each city's own
            assert run == "default" or f"--run {run}" in shlex.join(call)
            asked.add((run, tuple(args.set), getattr(args, "variant", "")))
    if page != EXTENDING:  # its settings are of the examples, which are run below
        for run, assignments, variant in asked:
            settings.load(run, assignments, variant)


# ---- numbers that stand in two places


def test_readme_and_demo_page_quote_the_same_lines_of_the_demo():
    in_readme, on_page = (
        [body for body in blocks(page, "") if body.startswith("Spearman r")]
        for page in (ROOT / "README.md", ROOT / "docs" / "demo.md")
    )
    assert len(in_readme) == 1 and in_readme == on_page


@pytest.mark.parametrize(("column", "run"), [(2, "default"), (3, "paper"), (4, "demo")])
def test_table_of_the_runs_tells_their_settings(column, run):
    rows = [line.split("|") for line in (ROOT / "README.md").read_text().splitlines()]
    cells = {row[1].strip(): row[column] for row in rows if len(row) == 6}
    made = settings.load(run)
    block_m = made.split.block_m
    block = "random" if made.split.method == "random" else f"blocks of {block_m} m"
    assert block.replace("000 m", " km") in cells["split"]
    assert f"{made.split.folds} folds" in cells["split"]
    assert f"{made.image.size_px} px" in cells["image"]
    assert f"batches of {made.training.batch_size}" in cells["learning"]
    assert re.search(rf"\b{made.training.epochs}\b", cells["learning"])
    rate = f"{made.training.learning_rate:.0e}".replace("e-0", "e-")
    assert f"{made.training.optimiser} {rate}" in cells["learning"].lower()
    weights = {"pretrained": "imagenet"}  # what the published ones of these networks are of
    assert weights.get(made.model.weights, made.model.weights) in cells["weights"].lower()


# ---- settings and assumptions


def has_setting(key: str) -> bool:
    values = settings.load("default")
    for part in key.split("."):
        if not isinstance(values, Section) or part not in type(values).model_fields:
            return False
        values = getattr(values, part)
    return True


def named_settings(page: Path) -> set[str]:
    """`section.key` of all spans, alone or with a value."""
    sections = "|".join(settings.Settings.model_fields)
    text = "\n".join(spans(page) + [" ".join(words) for words in commands(page)])
    keys = re.findall(rf"(?<![\w./-])((?:{sections})(?:\.[a-z_]+)+)(?![\w/*])", text)
    return {key for key in keys if key.rpartition(".")[2] not in FILE_ENDINGS}


@pages
def test_settings_that_a_page_names_exist(page):
    assert [key for key in named_settings(page) if not has_setting(key)] == []


def test_values_that_the_pages_give_to_settings_are_possible():
    pairs = {
        f"{key}={value}"
        for page in PAGES
        for span in spans(page)
        for key, value in re.findall(r"^([a-z_]+(?:\.[a-z_]+)+): ([\w.]+)$", span)
    }
    assert pairs
    for pair in pairs:
        settings.load("default", [pair])


ASSUMPTIONS = ROOT / "docs" / "assumptions.md"


def test_every_assumption_of_the_code_is_listed_with_its_file():
    marks = Counter()
    for path in (ROOT / "code").rglob("*.py"):
        marks[path.name] += path.read_text().count("ASSUME:")
    listed = Counter(span for span in spans(ASSUMPTIONS) if re.fullmatch(r"\w+\.py", span))
    assert {"not listed": +(marks - listed), "no longer in the code": +(listed - marks)} == {
        "not listed": Counter(),
        "no longer in the code": Counter(),
    }


def assumed_settings() -> list[str]:
    """Settings whose comment in default.yaml says ASSUME."""
    keys: list[str] = []
    assumed = []
    for line in (ROOT / "code" / "config" / "default.yaml").read_text().splitlines():
        if found := re.match(r"( *)(\w+):", line):
            keys = [*keys[: len(found[1]) // 2], found[2]]
        if "ASSUME:" in line or "all ASSUME" in line:
            assumed.append(".".join(keys))
    return assumed


def test_every_assumption_of_the_settings_is_listed():
    assert len(assumed_settings()) >= 15
    assert [key for key in assumed_settings() if key not in spans(ASSUMPTIONS)] == []


# ---- worked examples


def apply(house: Path, diff: str) -> None:
    """Do what a diff of one place says: lines that begin with a blank or - are there once."""
    path, *lines = diff.splitlines()
    file = house / path.removeprefix("--- ")
    old = "\n".join(line[1:] for line in lines if line[0] in " -")
    new = "\n".join(line[1:] for line in lines if line[0] in " +")
    text = file.read_text()
    assert text.count(old + "\n") == 1, f"{file.name} does not hold, once:\n{old}"
    file.write_text(text.replace(old, new))


def write_example_runs(house: Path) -> None:
    """Write the overlays and the class table of docs/extending.md into a copy of the project."""
    for name, overlay in zip(
        re.findall(r"`([\w-]+\.yaml)`", prose(EXTENDING)), blocks(EXTENDING, "yaml"), strict=True
    ):
        folder = house if "\nclasses:" in overlay else house / "code" / "config"
        (folder / name).write_text(overlay)


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the project with every change of docs/extending.md made."""
    house = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "code", house / "code", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "run.sh", house)
    for diff in blocks(EXTENDING, "diff"):
        apply(house, diff)
    write_example_runs(house)
    return house


def run_command(house: Path, script: str, *further: str) -> None:
    """Run the command of docs/extending.md that calls a script, in a copy of the project.

    Args:
        house: The copy.
        script: Name of the script.
        further: Words of the command, where several call the script.
    """
    asked = {f"code/{script}", *further}
    (words,) = [words for words in commands(EXTENDING) if asked <= set(words)]
    done = subprocess.run([sys.executable, *words[1:]], capture_output=True, text=True, cwd=house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_example_of_a_census_vintage(extended):
    frame = samples.census_frame(2021).rename(columns={"lcog_geo": "com"})
    samples.write_census(extended / "data" / "census_data", 2023, frame=frame)
    run_command(extended, "01_download_census.py")
    got = pd.read_parquet(extended / "data" / "census_data" / "census_2023.parquet")
    assert len(got) == 12 and got["depcom"].eq("75101").all() and got["group"].notna().sum() == 2


@pytest.mark.slow
def test_example_of_an_urban_atlas_layout(extended):
    columns = {"code_2018": "ua_code_2018", "fua_name": "agglomeration"}
    land = samples.land_cover_frame(2018, "Nantes").rename(columns=columns)
    folder = extended / "data" / "UA_data"
    folder.mkdir(parents=True)
    land.drop(columns="fua_code").to_file(folder / "agency.gpkg")
    run_command(extended, "02_import_urban_atlas.py", "Nantes")
    got = gpd.read_parquet(extended / "results" / "Nantes" / "land_cover.parquet")
    assert got["code"].tolist() == [11210, 12220, 31000]


@pytest.mark.slow
def test_example_of_a_class_table(extended):
    folder = extended / "data" / "UA_data"
    samples.write_old_urban_atlas(
        folder,
        "FR003L2_LYON",
        samples.land_cover_frame(2012, "Lyon", "FR003L2"),
        samples.outline_frame("Lyon", "FR003L2"),
    )
    run_command(extended, "02_import_urban_atlas.py", "Lyon")
    got = gpd.read_parquet(extended / "results" / "Lyon" / "land_cover.parquet")
    assert got["class"].tolist() == ["urban_fabric", "other_built", "open_land"]
    classes = pd.read_csv(extended / "results" / "Lyon" / "classes.csv")
    assert classes.groupby("class", sort=False)["number"].first().to_dict() == {
        "urban_fabric": 1,
        "other_built": 2,
        "open_land": 3,
    }


def test_example_of_a_backbone(monkeypatch):
    monkeypatch.setattr(backbones, "BACKBONES", dict(backbones.BACKBONES))
    (example,) = blocks(EXTENDING, "python")
    exec(compile(example, EXTENDING, "exec"), vars(backbones))
    (name,) = backbones.BACKBONES.keys() & set(re.findall(r'\["(.+?)"\] =', example))
    record = backbones.find_backbone(name)
    asked = settings.load("demo", [f"model.backbone={name}", "model.batch_norm_epsilon=0.01"]).model
    network = networks.build(asked).eval()
    positions = receptive_fields.lay(
        "receptive_field", network.features, record.target_layer, 64, 2
    )
    assert positions.step_px == 32
    assert {m.eps for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)} == {0.01}
    with torch.inference_mode():
        assert network.features(torch.zeros(1, 3, 64, 64)).shape[1] == record.channels
    assert name in EXTENDING.read_text().partition("Its name is now a value")[2]


def test_example_of_an_overlay(extended, monkeypatch):
    monkeypatch.setattr(settings, "CONFIG", extended / "code" / "config")
    wide, published = settings.load("wide-blocks"), settings.load("paper-wide-blocks")
    assert wide.split.block_m == published.split.block_m == 5000
    assert wide.split.folds == 5 and published.split.method == "block"
    assert (
        published.image.size_px
        == yaml.safe_load((ROOT / "code" / "config" / "paper.yaml").read_text())["image"]["size_px"]
    )
