"""Settings: overlays, assignments, and faults named all at once."""

import pytest

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import CONFIG
from urbancam.workflow.settings import as_yaml, settings

RUNS = sorted(path.stem for path in CONFIG.glob("*.yaml"))


@pytest.mark.parametrize("run", RUNS)
def test_every_run_loads(run):
    assert settings.load(run).image_px(200) >= 1


def test_overlay_changes_only_what_it_names():
    default, demo = settings.load("default"), settings.load("demo")
    assert demo.split.folds == 3 and demo.statistics == default.statistics


def write_runs(folder, monkeypatch, **overlays: str) -> None:
    """Runs of their own beside the default one."""
    (folder / "default.yaml").write_text((CONFIG / "default.yaml").read_text())
    for name, text in overlays.items():
        (folder / f"{name}.yaml").write_text(text)
    monkeypatch.setattr(settings, "CONFIG", folder)


def test_overlay_lies_on_the_base_it_names(tmp_path, monkeypatch):
    below = "split: {folds: 3, method: random}\nseed: 5"
    write_runs(tmp_path, monkeypatch, below=below, above="base: below\nsplit: {folds: 4}")
    got, default = settings.load("above"), settings.load("default")
    assert (got.split.folds, got.split.method, got.seed) == (4, "random", 5)
    assert got.training == default.training


def test_base_that_is_not_there_is_named(tmp_path, monkeypatch):
    write_runs(tmp_path, monkeypatch, above="base: nosuchrun")
    with pytest.raises(InputError, match="there is no run 'nosuchrun'"):
        settings.load("above")


def test_runs_that_lie_on_each_other_are_named(tmp_path, monkeypatch):
    write_runs(tmp_path, monkeypatch, one="base: two", two="base: one")
    with pytest.raises(InputError, match="run 'one' is its own base: one on two on one"):
        settings.load("one")


def test_blocks_are_made_of_whole_cells():
    with pytest.raises(InputError, match="block_m 1400 is no multiple of the side of a cell, 1000"):
        settings.load("default", ["census.cell_size_m=1000", "split.block_m=1400"])


def test_1km_run_is_the_published_variant():
    made, paper = settings.load("paper-1km"), settings.load("paper")
    assert made.image_px(1000) == made.image.size_px == 800 and made.training.epochs == 20
    assert made.model == paper.model and made.split.validation_fraction == 0.2


def test_assignment_wins_and_numbers_are_numbers():
    made = settings.load("demo", ["training.learning_rate=3e-4", "split.folds=4"])
    assert (made.training.learning_rate, made.split.folds) == (3e-4, 4)


def test_all_faults_are_named_at_once():
    with pytest.raises(InputError) as caught:
        settings.load("demo", ["split.method=hexagon", "split.folds=1", "training.epoch=3"])
    assert all(
        key in str(caught.value)
        for key in ("split.method", "split.folds", "training.epoch: unknown")
    )


def test_pixels_must_fill_the_cell():
    with pytest.raises(InputError, match="does not divide"):
        settings.load("demo", ["imagery.pixel_size_m=0.3"])


@pytest.mark.parametrize(
    "bad", ["split.folds", "=3", "split.folds=[", "split=3", "split.folds=.nan"]
)
def test_bad_assignments_are_input_errors(bad):
    with pytest.raises(InputError):
        settings.load("demo", [bad])


def test_cities_take_resnets_and_one_logit_a_city():
    backbone = "cities.model.backbone"
    for bad in ("cities.model.head=binomial", f"{backbone}=timm/resnet18", f"{backbone}=vgg16"):
        with pytest.raises(InputError, match="one of resnet18, 34, 50, 101 with a softmax head"):
            settings.load("demo", [bad])


def test_published_training_of_cities():
    made = settings.load("paper").cities
    got = (
        made.image.size_px,
        made.model.backbone,
        made.training.optimiser,
        made.training.schedule,
        made.training.epochs,
    )
    assert got == (224, "resnet50", "adam", "constant", 100)
    training = made.training
    assert (training.learning_rate, training.weight_decay, training.batch_size) == (1e-3, 0, 128)
    assert (training.augment, training.class_balanced, made.test_patches) == ("flips", "drawn", 500)


def test_unknown_run_lists_the_known_ones():
    with pytest.raises(InputError, match="default, demo"):
        settings.load("nosuchrun")


def test_pick_takes_sections_and_keys():
    picked = settings.load("demo").pick("split", "image.size_px")
    split = {
        f"split.{key}"
        for key in ("method", "block_m", "folds", "trained_folds", "seed", "validation_fraction")
    }
    assert set(picked) == split | {"image.size_px"}
    with pytest.raises(KeyError):
        settings.load("demo").pick("image.size")


def test_every_setting_has_a_comment_with_unit_or_source():
    for line in (CONFIG / "default.yaml").read_text().splitlines():
        if line.strip() and not line.strip().endswith(":") and not line.startswith("#"):
            assert "#" in line, line


def test_reference_may_be_a_raw_code():
    changes = ["landcover.key=code", "landcover.reference=12220"]
    assert settings.load("default", changes).landcover.reference == "12220"
    assert settings.load("default").landcover.reference is None


# ---- who is to blame, and what was meant


@pytest.mark.parametrize("base", ["nosuchrun", "../default", "3", ""])
def test_overlay_with_a_wrong_base_is_named(tmp_path, monkeypatch, base):
    write_runs(tmp_path, monkeypatch, middle=f"base: {base}", above="base: middle")
    with pytest.raises(InputError) as caught:
        settings.load("above")
    assert "middle.yaml" in caught.value.where and "base" in str(caught.value)


def test_file_of_each_fault_is_named(tmp_path, monkeypatch):
    write_runs(
        tmp_path,
        monkeypatch,
        below="split: {folds: 1}",
        above="base: below\ntraining: {epochs: none}",
    )
    with pytest.raises(InputError) as caught:
        settings.load("above", ["image.size_px=3"])
    lines = caught.value.what.splitlines()
    blamed = {line.split(":")[0].strip(): line.rpartition("[")[2].strip("]") for line in lines[1:]}
    assert blamed == {
        "split.folds": str(tmp_path / "below.yaml"),
        "training.epochs": str(tmp_path / "above.yaml"),
        "image.size_px": "--set image.size_px=3",
    }


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("split.fold=3", "split.folds"),
        ("splt.folds=3", "split"),
        ("epochs=3", "training.epochs"),
        ("training.learningrate=1e-3", "training.learning_rate"),
        ("cities.model.bakbone=resnet18", "cities.model.backbone"),
    ],
)
def test_unknown_setting_gets_the_closest_known_one(asked, meant):
    with pytest.raises(InputError, match=f"unknown setting; did you mean {meant}"):
        settings.load("default", [asked])


@pytest.mark.parametrize("run", ["default", "demo-tiny", "paper-b5"])
def test_resolved_run_reads_back_as_the_same_settings(run, tmp_path, monkeypatch):
    assignments = ["imagery.year={75: 2014, nearest: 2015}", "training.learning_rate=1e-7"]
    expected = settings.load(run, assignments)
    text = as_yaml.render(settings.read_layers(run, assignments))
    (tmp_path / "default.yaml").write_text(text)
    monkeypatch.setattr(settings, "CONFIG", tmp_path)
    assert settings.load("default") == expected


def test_resolved_run_says_where_each_value_comes_from():
    text = as_yaml.render(settings.read_layers("paper-b5", ["split.folds=4"]))
    config = "code/config"
    for line, origin in {
        "  folds: 4": "--set split.folds=4",
        "  backbone: efficientnet-b5": f"{config}/paper-b5.yaml",
        "  restarts: true": f"{config}/paper.yaml",
        "  vintage: 2015": f"{config}/default.yaml",
    }.items():
        assert [row.rpartition(" # ")[2] for row in text.splitlines() if row.startswith(line)] == [
            origin
        ]


@pytest.mark.parametrize(
    ("assignments", "credit"),
    [
        ([], "© IGN, BD ORTHO"),
        (["imagery.source=wms"], "© IGN, BD ORTHO"),
        (
            ["imagery.source=wms", "imagery.wms_url=https://maps.example.org/wms"],
            "maps.example.org",
        ),
        (["imagery.source=rasters", "imagery.files=ortho/town.tif"], "town.tif"),
        (["imagery.source=rasters", "imagery.files=a.tif", "imagery.credit=GUGiK"], "GUGiK"),
    ],
)
def test_images_are_credited_to_whom_they_are_of(assignments, credit):
    assert settings.load("default", assignments).image_credit.endswith(credit)


@pytest.mark.parametrize(
    "assignments", [["imagery.source=rasters"], ["imagery.files=a.tif", "imagery.year={75: 2014}"]]
)
def test_rasters_need_files_and_one_year(assignments):
    with pytest.raises(InputError, match="imagery"):
        settings.load("default", ["imagery.source=rasters", *assignments])
