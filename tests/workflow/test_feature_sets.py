"""Which sets of features a run asks for, and what they are called."""

import pytest

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import feature_sets, settings

WITHOUT_NETWORKS = ["baselines.networks=[]"]


def names(*assignments: str) -> list[str]:
    return [one.name for one in feature_sets.of_run(settings.load("default", assignments))]


def test_the_default_run_asks_for_frozen_features_of_its_own_backbone():
    assert names() == [*feature_sets.ALWAYS, "frozen_efficientnet-b0"]
    assert names("model.weights=random") == list(feature_sets.ALWAYS)
    assert names("baselines.networks=[own, resnet18, efficientnet-b0]")[-2:] == [
        "frozen_efficientnet-b0",
        "frozen_resnet18",
    ]
    assert names("baselines.networks=[timm/convnext_tiny.fb]")[-1] == "frozen_timm_convnext_tiny.fb"


def test_what_the_classes_are_made_of_is_no_feature():
    assert "population_density" in names()
    assert "population_density" not in names("samples.target=density")


def test_a_table_is_called_as_its_file():
    assert names(*WITHOUT_NETWORKS, "baselines.tables=[a/alpha_earth.parquet]")[-1] == "alpha_earth"


@pytest.mark.parametrize(
    "files", ["[a/mine.csv, b/mine.parquet]", "[land_cover.csv]", "[model.csv]", "[constant.csv]"]
)
def test_two_predictors_of_one_name_are_refused(files):
    with pytest.raises(InputError, match="another predictor is called"):
        names(f"baselines.tables={files}")


def test_what_means_something_else_in_another_city_is_not_learned_from_there(tmp_path):
    run = settings.load("default", ["split.method=city", "baselines.tables=[mine.csv]"])
    own = Paths(tmp_path, tmp_path, "Paris", "default")
    other = own.of_city("Lyon")

    def of_cities(*cities: Paths) -> set[str]:
        return {one.name for one in feature_sets.of_cities(run, list(cities))}

    all_sets = {one.name for one in feature_sets.of_run(run)}
    assert all_sets - of_cities(own) == {"coordinates", "random_features"}
    assert all_sets - of_cities(own, other) == {"coordinates", "random_features", "mine"}
    other.features("mine").parent.mkdir(parents=True)
    other.features("mine").touch()
    assert "mine" in of_cities(own, other)
    # A city of a file may not have counted its people; one of INSEE's cells has.
    assert "population_density" in of_cities(own, other)
    other.city_file.parent.mkdir(parents=True)
    other.city_file.touch()
    assert "population_density" not in of_cities(own, other)


def test_land_cover_of_other_classes_is_not_learned_from(tmp_path):
    run = settings.load("default", ["split.method=city"])
    own = Paths(tmp_path, tmp_path, "Paris", "default")
    other = own.of_city("Lyon")
    for city in (own, other):
        city.classes.parent.mkdir(parents=True)
        city.classes.write_text("code,class\n1,roads\n")
    assert "land_cover" in {one.name for one in feature_sets.of_cities(run, [own, other])}
    other.classes.write_text("code,class\n1,forest\n")
    assert "land_cover" not in {one.name for one in feature_sets.of_cities(run, [own, other])}
