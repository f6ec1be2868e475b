"""The census of the demo city: people, households and dwellings of every cell, in INSEE's 37 columns."""

import numpy as np
import pandas as pd

from urbancam.demo.layout import landuse
from urbancam.demo.layout.site import CELL_M, Site

PEOPLE_PER_HA = {
    landuse.URBAN_DENSE: 220.0,
    landuse.URBAN_HIGH: 110.0,
    landuse.URBAN_MEDIUM: 60.0,
    landuse.URBAN_LOW: 35.0,
}
PEOPLE_PER_HOUSEHOLD = 2.2  # INSEE, metropolitan France 2015
SECRECY_HOUSEHOLDS = 11  # fewer may not be published: such cells are imputed in groups
GROUP_M = 400  # an imputation group lies within one square of this side, on INSEE's grid
MIN_PEOPLE = 8.0
COLUMNS = (
    "IdINSPIRE Id_carr1km I_est_cr Id_carr_n Groupe Depcom I_pauv Id_car2010 Ind Men Men_pauv Men_1ind "
    "Men_5ind Men_prop Men_fmp Ind_snv Men_surf Men_coll Men_mais Log_av45 Log_45_70 Log_70_90 Log_ap90 "
    "Log_inc Log_soc Ind_0_3 Ind_4_5 Ind_6_10 Ind_11_17 Ind_18_24 Ind_25_39 Ind_40_54 Ind_55_64 Ind_65_79 "
    "Ind_80p Ind_inc I_est_1km"
).split()
AGES = {
    "Ind_0_3": 4,
    "Ind_4_5": 2.5,
    "Ind_6_10": 6,
    "Ind_11_17": 8.5,
    "Ind_18_24": 8,
    "Ind_25_39": 19,
    "Ind_40_54": 20,
    "Ind_55_64": 12.5,
    "Ind_65_79": 13,
    "Ind_80p": 6,
    "Ind_inc": 0.5,
}  # % of people, France 2015 (INSEE, population estimates)
BUILT = {
    "Log_av45": 24,
    "Log_45_70": 22,
    "Log_70_90": 29,
    "Log_ap90": 24.5,
    "Log_inc": 0.5,
}  # % of dwellings


def settle(site: Site, shares: pd.DataFrame) -> np.ndarray:
    """People of every cell (N,), by its housing; 0 where hardly anybody lives."""
    rng = site.random(31)
    housing = (
        sum(shares.get(code, 0.0) * per_ha for code, per_ha in PEOPLE_PER_HA.items())
        * CELL_M**2
        / 1e4
    )
    people = np.round(2 * housing.to_numpy() * rng.lognormal(0, 0.2, len(shares))) / 2
    return np.where(people < MIN_PEOPLE, 0.0, people)


def take_census(site: Site, cells: pd.DataFrame, imputed_share: float) -> pd.DataFrame:
    """INSEE's table.

    Args:
        site: gives the random numbers.
        cells: inhabited cells: `id, west, south` (EPSG:3035, m), `people, income_eur, collective` (share of
            dwellings in apartment houses), `depcom`.
        imputed_share: share of the cells that are imputed, about.

    Returns:
        One row per cell, `COLUMNS`.
    """
    rng = site.random(32)
    group = choose_groups(cells, imputed_share, rng)
    imputed = group >= 0
    people = np.maximum(
        cells["people"].to_numpy(), np.ceil(SECRECY_HOUSEHOLDS * PEOPLE_PER_HOUSEHOLD)
    )
    people[imputed] = np.round(rng.uniform(6, 10.4, imputed.sum()) * PEOPLE_PER_HOUSEHOLD * 2) / 2
    table = pd.DataFrame(
        {"Ind": people, "Men": np.maximum(np.round(people / PEOPLE_PER_HOUSEHOLD), 1)}
    )
    table.loc[imputed, "Men"] = np.clip(table["Men"][imputed], 6, SECRECY_HOUSEHOLDS - 1)
    table["Ind_snv"] = np.round(people * cells["income_eur"].to_numpy(), 1)
    _count_households(table, cells["income_eur"].to_numpy(), cells["collective"].to_numpy(), rng)
    _share_out(table, group)
    _name_cells(table, cells, group)
    return table[COLUMNS]


def choose_groups(cells: pd.DataFrame, share: float, rng: np.random.Generator) -> np.ndarray:
    """Imputation group of each cell (N,), -1 for none: two or three cells of one square of 400 m."""
    block = (cells["west"] // GROUP_M).astype(str) + " " + (cells["south"] // GROUP_M).astype(str)
    group, wanted = np.full(len(cells), -1), share * len(cells)
    numbers = cells.reset_index(drop=True).groupby(block.to_numpy()).indices
    candidates = [numbers[name] for name in sorted(numbers) if len(numbers[name]) >= 2]
    for count, place in enumerate(rng.permutation(len(candidates))):
        if (group >= 0).sum() >= wanted:
            break
        size = min(len(candidates[place]), int(rng.choice([2, 2, 3])))
        group[rng.choice(candidates[place], size, replace=False)] = count
    return group


def _count_households(
    table: pd.DataFrame, income_eur: np.ndarray, collective: np.ndarray, rng: np.random.Generator
) -> None:
    """Households and dwellings of each kind; kinds of one whole add up to it."""
    households, people = table["Men"].to_numpy(), table["Ind"].to_numpy()
    poor = np.clip(0.14 * (20_000 / income_eur) ** 2.5, 0.01, 0.6)
    for column, share in {
        "Men_pauv": poor,
        "Men_1ind": 0.34,
        "Men_5ind": 0.06,
        "Men_prop": 0.55,
        "Men_fmp": 0.1,
    }.items():
        table[column] = rng.binomial(households.astype(int), share).astype(float)
    table["Men_surf"] = np.round(households * rng.normal(92 - 25 * collective, 8))
    table["Men_coll"] = rng.binomial(households.astype(int), collective).astype(float)
    table["Men_mais"] = households - table["Men_coll"]
    table[list(BUILT)] = _split(households.astype(int), BUILT, rng)
    table["Log_soc"] = rng.binomial(table["Men_coll"].astype(int), 0.3).astype(float)
    table[list(AGES)] = (
        _split((2 * people).astype(int), AGES, rng) / 2
    )  # children of two homes count half


def _split(totals: np.ndarray, percent: dict[str, float], rng: np.random.Generator) -> np.ndarray:
    share = np.array(list(percent.values()))
    return rng.multinomial(totals, share / share.sum()).astype(float)


def _share_out(table: pd.DataFrame, group: np.ndarray) -> None:
    """Every cell of a group receives its part, by people, of what the group has: all get one income."""
    counts = [column for column in table.columns if column not in ("Ind", "Men", "Ind_snv")]
    for number in np.unique(group[group >= 0]):
        rows = np.flatnonzero(group == number)
        part = table.loc[rows, "Ind"] / table.loc[rows, "Ind"].sum()
        for column in counts:
            table.loc[rows, column] = (part * table.loc[rows, column].sum()).round(1)
        table.loc[rows, "Ind_snv"] = (part * table.loc[rows, "Ind_snv"].sum()).round(1)


def _name_cells(table: pd.DataFrame, cells: pd.DataFrame, group: np.ndarray) -> None:
    """Ids, communes and the flags of imputation."""
    imputed = group >= 0
    ids = cells["id"].to_numpy()
    kilometre = [
        f"CRS3035RES1000mN{s // 1000 * 1000}E{w // 1000 * 1000}"
        for s, w in zip(cells["south"], cells["west"], strict=True)
    ]
    table["IdINSPIRE"] = table["Id_car2010"] = ids
    table["Id_carr1km"] = kilometre
    table["Id_carr_n"] = np.where(imputed, kilometre, ids)
    table["Groupe"] = np.where(imputed, 700_000 + group, 500_000 + np.arange(len(table))).astype(
        "int32"
    )
    table["Depcom"] = cells["depcom"].to_numpy()
    table["I_est_cr"] = imputed.astype("int32")
    table["I_pauv"] = np.int32(0)
    table["I_est_1km"] = np.int32(0)
