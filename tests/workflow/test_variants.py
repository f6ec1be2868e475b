import argparse
from pathlib import Path

import pytest

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.planning import cost_words, costs, plan
from urbancam.workflow.running import arguments
from urbancam.workflow.settings import campaigns, feature_sets, settings


def test_variant_changes_one_thing_of_its_run():
    made = settings.load("demo", variant="split-random")
    assert made.split.method == "random"
    assert made.model_copy(update={"split": settings.load("demo").split}) == settings.load("demo")


def test_variant_wins_over_assignments():
    assert settings.load("demo", ["split.method=group"], "split-random").split.method == "random"


@pytest.mark.parametrize(
    ("flown", "expected"),
    [
        ("A:xxyy B:xzxz", True),
        ("A:xxyy B:xxxx", False),
        ("A:xxyy B:xzzz", False),
        ("A:---- B:----", False),
        ("", True),
    ],
)
def test_split_by_acquisition_needs_two_cities_with_two_sites_of_two_of_them(
    tmp_path, flown, expected
):
    if flown:
        rows = [
            f"{part[0]},{site},{seen.strip('-')}"
            for part in flown.split()
            for site, seen in enumerate(part[2:])
        ]
        (tmp_path / "sites.csv").write_text("\n".join(["city,site,acquisition", *rows]) + "\n")
    got = plan.variants_of_cities(settings.load("default"), tmp_path / "sites.csv")
    assert ("split-acquisition" in got) == expected and "colour-grey" in got
    assert ("split-acquisition-colour-grey" in got) == expected


def test_a_network_trained_elsewhere_has_no_variants(tmp_path):
    made = settings.load("default", ["cities.checkpoint=model_80.pth"])
    assert plan.variants_of_cities(made, tmp_path / "sites.csv") == []


def test_variants_of_the_cities_experiment_change_one_key():
    run = settings.load("default", ["cities.variant_folds=2"]).cities
    grey = settings.load("default", ["cities.variant_folds=2"], "colour-grey").cities
    assert grey == run.model_copy(update={"colour": "grey", "trained_folds": 2})
    assert settings.load("default", variant="split-acquisition").cities.folds_split == 2


def test_a_variant_of_cities_may_combine_two_changes():
    run = settings.load("default", ["cities.variant_folds=2"]).cities
    both = settings.load(
        "default", ["cities.variant_folds=2"], "split-acquisition-colour-grey"
    ).cities
    changes = {"split": "acquisition", "colour": "grey", "trained_folds": 2}
    assert both == run.model_copy(update=changes)


def test_two_changes_of_one_thing_are_no_variant():
    with pytest.raises(InputError, match="no variant"):
        settings.load("default", variant="colour-grey-colour-jitter")


def test_seed_and_shuffled_labels_are_variants():
    assert settings.load("demo", variant="seed-7").seed == 7
    assert settings.load("demo", variant="shuffled-labels").samples.shuffle_labels


def test_fewer_folds_are_trained_in_variants_only():
    assignments = ["compare.folds=1"]
    assert settings.load("demo", assignments, "split-random").folds_trained == 1
    assert settings.load("demo", assignments).folds_trained == 3


def test_city_left_out_is_one_fold():
    assert settings.load("default", variant="split-city").folds_trained == 1


@pytest.mark.parametrize("name", ["split-nothing", "seed-x", "nonsense"])
def test_unknown_variant_is_refused(name):
    with pytest.raises(InputError, match="no variant"):
        settings.load("demo", variant=name)


def test_names_leave_out_the_run_s_own_split_and_seed():
    made = settings.load(
        "demo",
        [
            "compare.splits=[block, random, city]",
            "compare.seeds=[0, 3]",
            "compare.fold_draws=[0, 4]",
            "compare.shuffled_labels=true",
        ],
    )
    expected = ["split-random", "seed-3", "folds-4", "shuffled-labels"]
    assert plan.variants_of_income(made, Path("nowhere.csv")) == expected


def images_table(folder: Path, *years: str) -> Path:
    """`images.csv` with an image of each of these campaign years."""
    rows = [f"cell{number},images/{number}.png,{year}" for number, year in enumerate(years)]
    path = folder / "images.csv"
    path.write_text("\n".join(["idINSPIRE,path,campaign_year", *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("years", "expected"),
    [
        (["2014"] * 6 + ["2012.0"] * 4, True),
        (["2014"] * 10, False),
        (["2014"] * 30 + ["2012"], False),  # too few to learn from
        (["2014"] * 5 + [""] * 5, False),  # which campaign is not known
    ],
)
def test_campaigns_are_left_out_only_where_two_have_cells_enough(tmp_path, years, expected):
    asked = settings.load("default", ["compare.splits=[campaign]", "compare.shuffled_labels=false"])
    got = plan.variants_of_income(asked, images_table(tmp_path, *years))
    assert got == (["split-campaign"] if expected else [])


def test_campaigns_are_shared_out_to_two_sides_of_like_size():
    cells = {"2012": 30, "2013": 25, "2014": 40, "2016": 5}
    assert campaigns.sides(cells) == {"2014": 0, "2012": 1, "2013": 1, "2016": 0}


def test_another_seed_of_the_network_keeps_the_folds_and_the_other_way_round():
    run = settings.load("default", ["seed=5"])
    seed = settings.load("default", ["seed=5"], "seed-7")
    folds = settings.load("default", ["seed=5"], "folds-7")
    assert (seed.seed, seed.fold_seed) == (7, run.fold_seed)
    assert (folds.seed, folds.fold_seed) == (run.seed, 7)


def test_run_default_trains_what_a_user_would_wait_for(tmp_path):
    expected = costs.of_income(settings.load("default"), Paths(tmp_path, tmp_path, "Paris"), 10_000)
    assert expected.networks == 8


@pytest.mark.parametrize("cache_gb, expected_gb", [(60, 53.8), (50, 0)])
def test_images_above_the_limit_take_no_disk_for_a_cache(tmp_path, cache_gb, expected_gb):
    asked = settings.load("default", [f"cache_gb={cache_gb}"])
    got = costs.of_income(asked, Paths(tmp_path, tmp_path, "Paris"), 68_400)
    assert got.disk_bytes["cache"] / 1e9 == pytest.approx(expected_gb, abs=0.1)


def test_estimate_says_what_each_comparison_costs(tmp_path):
    asked = settings.load("thorough", ["compare.seeds=[1]", "compare.fold_draws=[]"])
    expected = costs.of_income(asked, Paths(tmp_path, tmp_path, "Paris"), 5_000)
    assert expected.comparisons == {
        "split-random": 5,
        "split-group": 5,
        "split-campaign": 2,
        "seed-1": 5,
        "shuffled-labels": 5,
    }
    network_s = expected.training_s / expected.networks
    said = cost_words.in_words(expected, 2, 10**12)[-1]
    here, usual = cost_words.duration(5 * network_s / 2), cost_words.duration(5 * network_s)
    assert f"seed-1 5 networks, {here} ({usual} for a city of 10,000 cells)" in said


def test_what_is_cut_and_trained_is_not_expected_again(tmp_path):
    asked = settings.load("default", ["compare.splits=[random]", "compare.shuffled_labels=false"])
    paths = Paths(tmp_path, tmp_path, "Paris")
    finished = [paths.weights(fold) for fold in range(5)]
    finished += [paths.of_variant("split-random").weights(0), paths.activation]
    finished += [paths.table(name) for name in ("recovery", "attribution_controls")]
    finished += [paths.features(one.name) for one in feature_sets.of_run(asked)]
    for path in [*finished, paths.images_table]:
        path.parent.mkdir(parents=True, exist_ok=True)
    for path in finished[1:]:
        path.touch()
    images = f"idINSPIRE,path,campaign_year\na,a.png,2014\n{'b,b.png,2015'}\n"
    paths.images_table.write_text(images)
    expected = costs.of_income(asked, paths, 10_000)
    assert (expected.networks, expected.comparisons, expected.cutting_s) == (1, {}, 0)
    finished[0].touch()
    (said,) = cost_words.in_words(costs.of_income(asked, paths, 10_000), 2, 10**12)
    assert said == "expects nothing more for 10,000 cells: all is cut and trained"


def test_paths_of_a_variant_lie_below_its_run(tmp_path):
    paths = Paths(tmp_path, tmp_path, "Paris", "paper")
    assert (
        paths.of_variant("seed-1").samples
        == tmp_path / "Paris" / "paper" / "variants" / "seed-1" / "samples.csv"
    )
    assert paths.of_variant("seed-1").cells == paths.cells


def test_other_cities_have_samples_of_the_same_run(tmp_path):
    for city, run in (("Paris", "paper"), ("Lyon", "paper"), ("Nice", "default")):
        paths = Paths(tmp_path, tmp_path, city, run)
        paths.samples.parent.mkdir(parents=True)
        paths.samples.touch()
    paris = Paths(tmp_path, tmp_path, "Paris", "paper", "seed-1", cache_limit_gb=5)
    expected = Paths(tmp_path, tmp_path, "Lyon", "paper", cache_limit_gb=5)
    assert paris.other_cities() == [expected]


def test_missing_file_of_a_variant_is_told_with_the_variant():
    args = argparse.Namespace(city="Demo", run="demo", variant="", set=[], data=None, results=None)
    path = Path("results/Demo/demo/variants/shuffled-labels/activation.parquet")
    words = arguments.command_line(args, "13_project_activation", path)
    assert words.endswith("--run demo --variant shuffled-labels")
    words = arguments.command_line(args, "05_cut_images", Path("results/Demo/images.csv"))
    assert "--variant" not in words


def test_plants_on_frozen_features_cost_two_looks_at_each_cell_whatever_their_number(tmp_path):
    def expected(plants: int, cells: int = 10_000) -> costs.Costs:
        asked = settings.load("default", [f"planted.plants={plants}"])
        return costs.of_income(asked, Paths(tmp_path, tmp_path, "Paris"), cells)

    assert expected(20).plants_s == expected(2).plants_s == 2 * expected(20, 5_000).plants_s > 0
    # 10,000 cells are trained on for 30 epochs by a network: 2 looks are far less
    assert expected(20).plants_s < expected(20).training_s / expected(20).networks / 10
    assert expected(0).plants_s == 0
    assert "rules on frozen features" in cost_words.in_words(expected(20), 2, 10**12)[1]
    assert "rules on" not in cost_words.in_words(expected(0), 2, 10**12)[1]


def test_estimate_counts_the_features_that_are_not_measured_yet(tmp_path):
    paths = Paths(tmp_path, tmp_path, "Paris")

    def expected(*assignments: str) -> costs.Costs:
        return costs.of_income(settings.load("default", list(assignments)), paths, 10_000)

    one, two = expected(), expected("baselines.networks=[own, resnet50]")
    assert expected("baselines.networks=[]").measuring_s < one.measuring_s < two.measuring_s
    assert two.measuring_s < one.training_s / one.networks / 10
    assert "; features of cells " in cost_words.in_words(one, 2, 10**12)[1]
    for features in feature_sets.of_run(settings.load("default")):
        paths.features(features.name).parent.mkdir(parents=True, exist_ok=True)
        paths.features(features.name).touch()
    assert expected().measuring_s == 0
    assert "features of cells" not in cost_words.in_words(expected(), 2, 10**12)[1]


def test_estimate_counts_the_maps_of_what_is_explained_and_the_sample_of_the_controls(tmp_path):
    def expected(cells: int, *assignments: str) -> costs.Costs:
        asked = settings.load("default", list(assignments))
        return costs.of_income(asked, Paths(tmp_path, tmp_path, "Paris"), cells)

    alone = expected(10_000, "compare.shuffled_labels=false").maps_s
    assert expected(20_000, "compare.shuffled_labels=false").maps_s == pytest.approx(2 * alone)
    assert expected(10_000).maps_s == pytest.approx(1.2 * alone)  # one of five folds more
    # Maps take less than one of the 30 epochs of training, whose splits have no maps.
    assert 0 < alone < expected(10_000).training_s / expected(10_000).networks / 30 * 2
    assert expected(10_000).controls_s == expected(20_000).controls_s > expected(1_000).controls_s
    said = cost_words.in_words(expected(10_000), 2, 10**12)[1]
    assert "; maps " in said and "; controls of the maps " in said


def test_planted_rules_are_variants_of_the_run(tmp_path):
    assert settings.load("demo", variant="planted-3").samples.planted == 3
    with pytest.raises(InputError, match="planted-N"):
        settings.load("demo", variant="planted-0")
    names = plan.variants_of_income(
        settings.load("demo", ["planted.trained=2"]), tmp_path / "images.csv"
    )
    assert names[-2:] == ["planted-1", "planted-2"]
