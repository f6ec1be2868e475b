"""The plan of the tiny city: a coverage with every class that the rule and the pictures need."""

import numpy as np
import pytest
import shapely

from urbancam.demo.layout import landuse
from urbancam.demo.layout.site import to_laea, to_lambert
from urbancam.demo.people import income


def test_plan_tiles_the_plane(plan, site):
    assert shapely.coverage_is_valid(plan.faces)
    assert shapely.is_valid(plan.faces).all()
    assert shapely.area(plan.faces).sum() == pytest.approx(site.domain.area, abs=1e-3)


def test_plan_holds_every_class_that_the_rule_and_the_pictures_need(plan):
    dispensable = {landuse.URBAN_DENSE, landuse.SPORT}  # a dozen cells may lack these
    expected = set(landuse.ITEMS) - dispensable
    assert expected <= set(plan.codes) <= set(landuse.ITEMS)


def test_most_cells_hold_several_classes(plan, site):
    _, squares = site.cells()
    centres = shapely.centroid(squares)
    inside = shapely.contains_properly(to_laea(plan.outline), centres)
    shares = income.class_shares(plan, squares[inside])
    assert (shares > 0.02).sum(axis=1).median() >= 3
    assert np.allclose(shares.sum(axis=1), 1)


def test_class_share_is_that_of_the_plain_intersection(plan, site):
    _, squares = site.cells()
    got = income.class_shares(plan, squares)[landuse.INDUSTRY]
    halls = shapely.union_all(plan.of(landuse.INDUSTRY))
    expected = shapely.area(shapely.intersection(to_lambert(squares), halls)) / 40_000
    # The two projections differ by 0.1 % in area.
    assert got.to_numpy() == pytest.approx(expected, abs=2e-3)
