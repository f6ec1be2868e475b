"""The tiny city, and the full one without its pixels: read by several tests, changed by none."""

from pathlib import Path

import pandas as pd
import pytest

from urbancam.demo import city
from urbancam.demo.layout.plan import Plan, draw_plan
from urbancam.demo.layout.site import Site
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings import settings


@pytest.fixture(scope="session")
def tiny() -> settings.Settings:
    """The settings of a city of a dozen cells."""
    return settings.load("demo-tiny")


@pytest.fixture(scope="session")
def site(tiny) -> Site:
    return city.site_of(tiny)


@pytest.fixture(scope="session")
def plan(site) -> Plan:
    return draw_plan(site)


@pytest.fixture(scope="session")
def packed(tiny, tmp_path_factory) -> Paths:
    """The tiny city, packed."""
    paths = Paths(tmp_path_factory.mktemp("data"), Path("unused"))
    city.make_city(tiny, paths, workers=1)
    return paths


@pytest.fixture(scope="session")
def full_city() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The city of run `demo`, without its pixels: truth and INSEE's table."""
    demo = settings.load("demo")
    full_site = city.site_of(demo)
    cells, incomes = city.people_the_cells(full_site, draw_plan(full_site), demo)
    table = city.make_census(full_site, cells, demo.demo.imputed_share)
    inhabited = cells[cells["in_city"] & (cells["people"] > 0)]
    truth = incomes.loc[inhabited.index].assign(idINSPIRE=inhabited["id"])
    return truth.merge(table, left_on="idINSPIRE", right_on="IdINSPIRE"), table


@pytest.fixture(scope="session")
def full_table(full_city) -> pd.DataFrame:
    """INSEE's table of the city of run `demo`."""
    _, table = full_city
    return table
