"""The closing lines: what they call read, and what they do not."""

import importlib

import pytest

tell_results = importlib.import_module("93_tell_results")

ROADS = {"reference": "Roads", "q_value": "0.5", "significant": "False"}
TESTED = {"reference": "Roads", "q_value": "0.01", "significant": "True"}


def effect(name: str, value: float, **row: str) -> dict[str, str]:
    ends = {"ci_low": str(value - 0.5), "ci_high": str(value + 0.5)}
    return {"name": name, "value": str(value), **ends, **row}


@pytest.fixture
def effects() -> list[dict[str, str]]:
    return [
        effect("Parks", 2.0, **TESTED),
        effect("Industry", -3.0, **TESTED),
        effect("Forest", 4.0, **ROADS),
    ]


PLANTED = {"kind": "frozen", "attribution": "local_effect", "n_inert": "220"}


def test_how_often_planted_rules_are_misread_is_said_beside_what_is_read(effects, capsys):
    tell_results.tell_effects(effects, [PLANTED | {"false_positives": "0.1955"}])
    assert "called so too: of frozen planted rules 20% of inert ones" in capsys.readouterr().out


@pytest.mark.parametrize(("reach_m", "expected"), [("1100", ""), ("2100.4", "2100 m are asked")])
def test_blocks_of_scores_say_whether_the_city_is_too_small_for_them(reach_m, expected):
    sides = ({"side_m": side, "n_blocks": "9", "reach_m": reach_m} for side in ("400", "1200"))
    rows = [row | {"chosen": str(row["side_m"] == "400")} for row in sides]
    got = tell_results.blocks_of_scores(rows)
    assert got.startswith("blocks of 400 m, worth 9")
    assert expected in got and ("too small" in got) == bool(expected)


def test_classes_are_read_as_what_their_tested_effects_say(effects, capsys):
    tell_results.tell_effects(effects, [])
    said = capsys.readouterr().out
    assert "read as poor: Industry -3.00 [-3.50, -2.50]\n" in said
    assert "read as rich: Parks 2.00 [1.50, 2.50]\n" in said
    assert "of 3 land covers" in said and "Forest" not in said


def test_no_class_is_read_where_none_is_significant(effects, capsys):
    tell_results.tell_effects(effects[2:], [])
    assert capsys.readouterr().out.count("no class") == 2


def test_nothing_is_read_where_nothing_could_be_tested(capsys):
    untested = effect("Parks", 2.0, reference="Roads", q_value="", significant="")
    tell_results.tell_effects([untested], [])
    assert "too few cells or blocks" in capsys.readouterr().out
