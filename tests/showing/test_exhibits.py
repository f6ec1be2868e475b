"""The list of tables and figures agrees with who makes and who draws them."""

from pathlib import Path

import pytest

from samples import ROOT
from urbancam.showing import exhibits, wording
from urbancam.showing.figures import from_tables
from urbancam.showing.report import sentences
from urbancam.workflow import catalogue
from urbancam.workflow.settings import settings

# Figures that need more than tables.
SPECIAL = {"class_maps", "polar_ratios", "ordering", "chords", "transfer", "cell_sheet"}


def figures_with(*assignments: str) -> set[str]:
    """Names of the figures of a demo run with changed settings."""
    demo = settings.load("demo", assignments)
    return set(exhibits.figures_of(demo, several_cities=False))


def test_claims_of_scores_and_of_land_cover_name_the_blocks_of_both():
    assert exhibits.blocks_of("claims") == wording.BOTH
    assert sentences.TOPIC_BLOCKS["Which claims survive all of it"] == wording.BOTH


def test_every_figure_has_a_drawing():
    assert set(exhibits.FIGURES) == set(from_tables.FROM_TABLES) | SPECIAL


def test_figures_are_drawn_from_tables_that_are_listed():
    used = {table for figure in exhibits.FIGURES.values() for table in figure.tables}
    assert used <= set(exhibits.TABLES)


@pytest.mark.parametrize("name", sorted(exhibits.TABLES))
def test_each_table_is_named_by_its_maker(name):
    maker = catalogue.maker_of(Path(f"{name}.csv"))
    assert f'"{name}"' in (ROOT / "code" / f"{maker}.py").read_text()


def test_settings_choose_the_figures():
    methods = "controls.methods=[layercam]"
    deletion = "controls.deletion_cells=20"
    all_figures = figures_with(deletion, methods)
    assert {"controls", "deletion", "polar_ratios", "chords"} <= all_figures
    without_deletion = figures_with("controls.deletion_cells=0", methods)
    assert all_figures - without_deletion == {"deletion"}
    by_code = figures_with(deletion, "landcover.key=code")
    assert all_figures - by_code == {"polar_ratios", "chords", "class_by_quintile"}


def test_a_run_without_controls_has_no_figure_of_them():
    bare = figures_with(
        "controls.maps=[]",
        "controls.methods=[]",
        "controls.randomise_weights=false",
    )
    assert "controls" not in bare


def test_a_transfer_figure_needs_several_cities():
    demo = settings.load("demo")
    assert "transfer" in exhibits.figures_of(demo, several_cities=True)
    assert "transfer" not in exhibits.figures_of(demo, several_cities=False)


@pytest.mark.parametrize(
    ("control", "expected"),
    [("weights_3", "random weights 3"), ("layercam", "LayerCAM"), ("map_alone", "map alone")],
)
def test_controls_have_names_for_people(control, expected):
    assert exhibits.control_name(control) == expected
