"""The demo city from end to end: plan, people, incomes, pixels, packages, and the truth about them."""

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
from urbancam.workflow.settings import Settings

log = logging.getLogger(__name__)

NO_INCOME_ROWS, NO_PEOPLE_ROWS = 2, 2  # unusable rows, as INSEE's files hold some


def site_of(settings: Settings) -> Site:
    return Site(settings.demo.tile_km, settings.demo.radius_m, settings.demo.seed)


def make_city(settings: Settings, paths: Paths, workers: int) -> tuple[list[Path], dict[str, Any]]:
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
        package.wrap_census(census, _made(paths.census_data)),
        package.wrap_land_cover(plan, _made(paths.urban_atlas_data)),
    ]
    volumes = make_packs(site, plan, settings, _made(paths.aerial_data), workers)
    city = cells[cells["in_city"] & (cells["people"] > 0)]
    write_json(paths.truth, tell_truth(settings, incomes.loc[city.index], city, census))
    megabytes = round(sum(path.stat().st_size for path in volumes) / 1e6)
    counts = {
        "inhabited cells": len(city),
        "tiles": 4,
        "packs": 2,
        "volumes": len(volumes),
        "MB": megabytes,
    }
    return archives + volumes, counts


def people_the_cells(
    site: Site, plan: Plan, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All cells of the tiles with their people and incomes.

    Returns:
        cells: `id, west, south, in_city, people, collective, depcom, income_eur`; incomes: of `draw_incomes`.
    """
    ids, squares = site.cells()
    shares = income.class_shares(plan, squares)
    centres = shapely.centroid(squares)
    cells = pd.DataFrame(
        {"id": ids, "in_city": shapely.contains_properly(to_laea(plan.outline), centres)}
    )
    cells["west"], cells["south"] = (
        shapely.bounds(squares)[:, 0].astype(int),
        shapely.bounds(squares)[:, 1].astype(int),
    )
    cells["people"] = households.settle(site, shares)
    dense = shares.get(11100, 0.0) + 0.5 * shares.get(11210, 0.0)
    cells["collective"] = np.clip(1.6 * dense, 0.02, 0.95)
    second = shapely.contains_properly(package.department_99(site), to_lambert(centres))
    cells["depcom"] = np.where(second, "990", "960") + np.where(cells["in_city"], "01", "02")
    rule = income.Rule(settings.demo.visible_share, settings.demo.smooth_share)
    city = (cells["in_city"] & (cells["people"] > 0)).to_numpy()
    incomes = income.draw_incomes(site, shares, shapely.get_coordinates(centres), city, rule)
    return cells.assign(income_eur=incomes["income_eur"]), incomes


def make_census(site: Site, cells: pd.DataFrame, imputed_share: float) -> pd.DataFrame:
    """INSEE's table of the inhabited cells, in and around the city, with some rows of no use."""
    rng = site.random(40)
    table = households.take_census(
        site, cells[cells["people"] > 0].reset_index(drop=True), imputed_share
    )
    empty = (
        cells[cells["people"] == 0]
        .sort_values("in_city", ascending=False, kind="stable")
        .head(NO_PEOPLE_ROWS)
    )
    unpeopled = households.take_census(site, empty.assign(people=1.0).reset_index(drop=True), 0.0)
    numbers = unpeopled.columns[8:36]
    unpeopled[numbers] = 0.0
    outside = table["Depcom"].str.endswith("02").to_numpy()
    alone = np.flatnonzero((table["I_est_cr"] == 0).to_numpy() & outside)
    table.loc[rng.choice(alone, min(NO_INCOME_ROWS, len(alone)), replace=False), "Ind_snv"] = np.nan
    both = pd.concat([table, unpeopled], ignore_index=True)
    both["Groupe"] = (
        both["Groupe"].where(both.index < len(table), 600_000 + both.index).astype("int32")
    )
    return both.sort_values("IdINSPIRE", ignore_index=True)


def make_packs(
    site: Site, plan: Plan, settings: Settings, folder: Path, workers: int
) -> list[Path]:
    """Render the tiles and wrap them, department by department; returns the volumes."""
    packs = package.plan_packs(site)
    scratch = _made(folder / ".tiles")
    copies: dict[tuple[int, int], dict[Path, Any]] = {}
    for pack in packs:
        for tile in pack.tiles:
            copies.setdefault(tile, {})[scratch / pack.tile_name(*tile)] = _fill_of(
                pack, tile, site, plan
            )
    drawing = draw_town(site, plan)
    log.info(
        "draws the town: %s shapes, %s trees",
        f"{len(drawing.material):,}",
        f"{len(drawing.trees):,}",
    )
    tiles = [Tile(*place, files) for place, files in copies.items()]
    write_tiles(tiles, site, drawing, settings.imagery.pixel_size_m, workers)
    volumes = []
    for pack in packs:
        files = {name: scratch / name for name in (pack.tile_name(*tile) for tile in pack.tiles)}
        volumes += package.wrap_pack(pack, site, files, folder, settings.demo.volumes)
        shutil.rmtree(folder / f".{pack.name}")
    shutil.rmtree(scratch)
    return volumes


def _fill_of(pack: package.PackPlan, tile: tuple[int, int], site: Site, plan: Plan):
    """What a pack leaves out of the border tile: the other department, or a corner far off."""
    if tile != package.border_tile(site):
        return None
    if pack.department == "96":
        return Fill(package.department_99(site), BLACK)
    west, south, east, north = site.domain.bounds
    corner = shapely.Polygon(
        [
            (east, north),
            (east - 0.12 * (east - west), north),
            (east, north - 0.12 * (north - south)),
        ]
    )
    return Fill(corner.difference(plan.outline.buffer(300)), WHITE)


def tell_truth(
    settings: Settings, incomes: pd.DataFrame, city: pd.DataFrame, census: pd.DataFrame
) -> dict[str, Any]:
    """What is known about the city: the rule, and its parts in every inhabited cell."""
    rule = income.Rule(settings.demo.visible_share, settings.demo.smooth_share)
    effect = income.effect_per_share(incomes, rule)
    published = (census["Ind_snv"] / census["Ind"]).set_axis(census["IdINSPIRE"])
    rows = incomes.assign(idINSPIRE=city["id"], published_income_eur=city["id"].map(published))
    rows = rows[["idINSPIRE", *(name for name in rows.columns if name != "idINSPIRE")]]
    return {
        "city": "Demo",
        "seed": settings.demo.seed,
        "raises": {
            "code": income.RAISES,
            "item": landuse.ITEMS[income.RAISES],
            "log_income_per_share": round(effect, 6),
        },
        "lowers": {
            "code": income.LOWERS,
            "item": landuse.ITEMS[income.LOWERS],
            "log_income_per_share": round(-effect, 6),
        },
        "inert": {
            "code": income.INERT,
            "item": landuse.ITEMS[income.INERT],
            "log_income_per_share": 0.0,
        },
        "variance_shares": {
            "visible": rule.visible_share,
            "smooth": rule.smooth_share,
            "unseen": round(rule.unseen_share, 6),
        },
        "median_eur": income.MEDIAN_EUR,
        "spread_log": income.SPREAD,
        "cells": rows.round(6).to_dict("records"),
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
