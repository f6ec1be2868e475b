"""The demo city from end to end: plan, people, incomes, pixels, packages, and the truth."""

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from urbancam.demo import package
from urbancam.demo.layout import landuse
from urbancam.demo.layout.plan import Plan, draw_plan
from urbancam.demo.layout.site import Site, to_laea, to_lambert
from urbancam.demo.people import households, income
from urbancam.demo.rendering.tiles import BLACK, WHITE, Fill, Tile, write_tiles
from urbancam.demo.town import draw_town
from urbancam.workflow.files import write_json
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.settings import Settings

log = logging.getLogger(__name__)

NO_INCOME_ROWS = 2  # unusable rows, as INSEE's files hold some
NO_PEOPLE_ROWS = 2
CORNER_SHARE = 0.12  # of the side of the four tiles: the white corner of the border tile
CORNER_DISTANCE_M = 300  # of that corner from the city, at least


def site_of(settings: Settings) -> Site:
    """The site of a run's demo city."""
    return Site(settings.demo.tile_km, settings.demo.radius_m, settings.demo.seed)


def make_city(
    settings: Settings,
    paths: Paths,
    workers: int,
) -> tuple[list[Path], dict[str, Any]]:
    """Make the city and put it where the providers' files are dropped.

    Writes below `paths.data`: `census_data/`, `UA_data/`, `aerial_data/` and `truth.json` (last).

    Returns:
        The archives, and counts for the summary line.
    """
    site = site_of(settings)
    plan = draw_plan(site)
    log.info("draws the plan: %s polygons", f"{len(plan.faces):,}")
    cells, incomes = people_the_cells(site, plan, settings)
    census = make_census(site, cells, settings.demo.imputed_share)
    archives = [
        package.wrap_census(census, _folder(paths.census_data)),
        package.wrap_land_cover(plan, _folder(paths.urban_atlas_data)),
    ]
    volumes = make_packs(site, plan, settings, _folder(paths.aerial_data), workers)

    inhabited = cells[_in_city_with_people(cells)]
    truth = tell_truth(settings, incomes.loc[inhabited.index], inhabited, census)
    write_json(paths.truth, truth)
    size_bytes = sum(path.stat().st_size for path in volumes)
    counts = {
        "inhabited cells": len(inhabited),
        "tiles": 4,
        "packs": 2,
        "volumes": len(volumes),
        "MB": round(size_bytes / 1e6),
    }
    return archives + volumes, counts


def _folder(path: Path) -> Path:
    """The folder, created where it is missing."""
    path.mkdir(parents=True, exist_ok=True)
    return path


def _in_city_with_people(cells: pd.DataFrame) -> pd.Series:
    """Which cells are inhabited cells of the city: (N,) bool."""
    return cells["in_city"] & (cells["people"] > 0)


def people_the_cells(
    site: Site,
    plan: Plan,
    settings: Settings,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All cells of the tiles with their people and incomes.

    Returns:
        Cells `id, west, south, in_city, people, collective, depcom, income_eur`, and the incomes
        of `draw_incomes`.
    """
    ids, squares = site.cells()
    centres = shapely.centroid(squares)
    in_city = shapely.contains_properly(to_laea(plan.outline), centres)
    cells = pd.DataFrame({"id": ids, "in_city": in_city})
    corners = shapely.bounds(squares).astype(int)
    cells["west"] = corners[:, 0]
    cells["south"] = corners[:, 1]

    # Dense quarters hold more people and more apartment houses.
    shares = income.class_shares(plan, squares)
    cells["people"] = households.settle(site, shares)
    densest = shares.get(landuse.URBAN_DENSE, 0.0)
    dense = shares.get(landuse.URBAN_HIGH, 0.0)
    cells["collective"] = np.clip(1.6 * (densest + 0.5 * dense), 0.02, 0.95)

    # Communes: a department, and 01 in the city, 02 around it.
    second = shapely.contains_properly(package.department_99(site), to_lambert(centres))
    department = np.where(second, "990", "960")
    cells["depcom"] = department + np.where(cells["in_city"], "01", "02")

    inhabited = _in_city_with_people(cells).to_numpy()
    centre_xy = shapely.get_coordinates(centres)
    incomes = income.draw_incomes(site, shares, centre_xy, inhabited, _rule(settings))
    return cells.assign(income_eur=incomes["income_eur"]), incomes


def _rule(settings: Settings) -> income.Rule:
    """The rule behind the incomes of a run."""
    return income.Rule(settings.demo.visible_share, settings.demo.smooth_share)


def make_census(
    site: Site,
    cells: pd.DataFrame,
    imputed_share: float,
) -> pd.DataFrame:
    """INSEE's table of the inhabited cells, in and around the city, with some rows of no use."""
    rng = site.random(40)
    inhabited = cells[cells["people"] > 0].reset_index(drop=True)
    table = households.take_census(site, inhabited, imputed_share)
    empty = _rows_without_people(site, cells)

    # Rows without an income, outside the city, one by one: not those of an imputation group.
    outside = table["Depcom"].str.endswith("02").to_numpy()
    observed = (table["I_est_cr"] == 0).to_numpy()
    alone = np.flatnonzero(observed & outside)
    count = min(NO_INCOME_ROWS, len(alone))
    rows = rng.choice(alone, count, replace=False)
    table.loc[rows, "Ind_snv"] = np.nan

    census = pd.concat([table, empty], ignore_index=True)
    is_inhabited = census.index < len(table)
    own_group = 600_000 + census.index
    census["Groupe"] = census["Groupe"].where(is_inhabited, own_group).astype("int32")
    return census.sort_values("IdINSPIRE", ignore_index=True)


def _rows_without_people(site: Site, cells: pd.DataFrame) -> pd.DataFrame:
    """Rows of INSEE's table that count nobody, in the city where there are such cells."""
    empty = cells[cells["people"] == 0]
    city_first = empty.sort_values("in_city", ascending=False, kind="stable")
    rows = city_first.head(NO_PEOPLE_ROWS).assign(people=1.0)
    table = households.take_census(site, rows.reset_index(drop=True), 0.0)
    counts = table.columns[8:36]
    table[counts] = 0.0
    return table


def make_packs(
    site: Site,
    plan: Plan,
    settings: Settings,
    folder: Path,
    workers: int,
) -> list[Path]:
    """Render the tiles and wrap them, department by department; returns the volumes."""
    packs = package.plan_packs(site)
    scratch = _folder(folder / ".tiles")
    tiles = _tiles(packs, scratch, site, plan)
    drawing = draw_town(site, plan)
    log.info(
        "draws the town: %s shapes, %s trees",
        f"{len(drawing.material):,}",
        f"{len(drawing.trees):,}",
    )
    write_tiles(tiles, site, drawing, settings.imagery.pixel_size_m, workers)

    volumes = []
    for pack in packs:
        names = [pack.tile_name(*place) for place in pack.tiles]
        files = {name: scratch / name for name in names}
        volumes += package.wrap_pack(pack, site, files, folder, settings.demo.volumes)
        shutil.rmtree(folder / f".{pack.name}")
    shutil.rmtree(scratch)
    return volumes


def _tiles(
    packs: tuple[package.PackPlan, ...],
    scratch: Path,
    site: Site,
    plan: Plan,
) -> list[Tile]:
    """Every tile once, with a copy for each pack that ships it."""
    copies: dict[tuple[int, int], dict[Path, Fill | None]] = {}
    for pack in packs:
        for place in pack.tiles:
            path = scratch / pack.tile_name(*place)
            copies.setdefault(place, {})[path] = _fill_of(pack, place, site, plan)
    return [Tile(*place, files) for place, files in copies.items()]


def _fill_of(
    pack: package.PackPlan,
    tile: tuple[int, int],
    site: Site,
    plan: Plan,
) -> Fill | None:
    """What a pack leaves out of the border tile: the other department, or a corner far off."""
    if tile != package.border_tile(site):
        return None
    if pack.department == "96":
        return Fill(package.department_99(site), BLACK)
    west, south, east, north = site.domain.bounds
    corner = shapely.Polygon(
        [
            (east, north),
            (east - CORNER_SHARE * (east - west), north),
            (east, north - CORNER_SHARE * (north - south)),
        ]
    )
    return Fill(corner.difference(plan.outline.buffer(CORNER_DISTANCE_M)), WHITE)


def tell_truth(
    settings: Settings,
    incomes: pd.DataFrame,
    city: pd.DataFrame,
    census: pd.DataFrame,
) -> dict[str, Any]:
    """What is known about the city: the rule, and its parts in every inhabited cell.

    Args:
        settings: Settings of the run.
        incomes: Table of `draw_incomes`, the inhabited cells of the city.
        city: Table of `people_the_cells`, the same cells.
        census: Table of `make_census`.
    """
    rule = _rule(settings)
    effect = income.effect_per_share(incomes, rule)
    cells = _truth_of_cells(incomes, city, census)
    return {
        "city": "Demo",
        "seed": settings.demo.seed,
        "raises": _effect_of(income.RAISES, round(effect, 6)),
        "lowers": _effect_of(income.LOWERS, round(-effect, 6)),
        "inert": _effect_of(income.INERT, 0.0),
        "variance_shares": {
            "visible": rule.visible_share,
            "smooth": rule.smooth_share,
            "unseen": round(rule.unseen_share, 6),
        },
        "median_eur": income.MEDIAN_EUR,
        "spread_log": income.SPREAD,
        "cells": cells.round(6).to_dict("records"),
    }


def _effect_of(code: int, log_income_per_share: float) -> dict[str, Any]:
    """A class and its effect."""
    return {
        "code": code,
        "item": landuse.ITEMS[code],
        "log_income_per_share": log_income_per_share,
    }


def _truth_of_cells(
    incomes: pd.DataFrame,
    city: pd.DataFrame,
    census: pd.DataFrame,
) -> pd.DataFrame:
    """Id, parts of the income and published income of every inhabited cell."""
    per_person = census["Ind_snv"] / census["Ind"]
    published = per_person.set_axis(census["IdINSPIRE"])
    rows = incomes.assign(published_income_eur=city["id"].map(published))
    rows.insert(0, "idINSPIRE", city["id"])
    return rows
