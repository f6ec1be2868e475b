"""The census of the demo city: people, households and dwellings of every cell, as INSEE has them.

The table has INSEE's 37 columns.
"""

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
    "IdINSPIRE Id_carr1km I_est_cr Id_carr_n Groupe Depcom I_pauv Id_car2010 Ind Men Men_pauv "
    "Men_1ind Men_5ind Men_prop Men_fmp Ind_snv Men_surf Men_coll Men_mais Log_av45 Log_45_70 "
    "Log_70_90 Log_ap90 Log_inc Log_soc Ind_0_3 Ind_4_5 Ind_6_10 Ind_11_17 Ind_18_24 Ind_25_39 "
    "Ind_40_54 Ind_55_64 Ind_65_79 Ind_80p Ind_inc I_est_1km"
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
    per_ha = 0
    for code, density in PEOPLE_PER_HA.items():
        per_ha = per_ha + shares.get(code, 0.0) * density
    housing = per_ha * CELL_M**2 / 1e4
    lottery = rng.lognormal(0, 0.2, len(shares))
    people = np.round(2 * housing.to_numpy() * lottery) / 2
    return np.where(people < MIN_PEOPLE, 0.0, people)


def take_census(
    site: Site,
    cells: pd.DataFrame,
    imputed_share: float,
) -> pd.DataFrame:
    """INSEE's table.

    Args:
        site: Gives the random numbers.
        cells: Inhabited cells: `id, west, south` (EPSG:3035, m), `people, income_eur, collective`
            (share of dwellings in apartment houses), `depcom`.
        imputed_share: Share of the cells that are imputed, about.

    Returns:
        One row per cell, `COLUMNS`.
    """
    rng = site.random(32)
    income_eur = cells["income_eur"].to_numpy()
    group = choose_groups(cells, imputed_share, rng)
    imputed = group >= 0

    # Imputed cells have fewer people than may be published, all others at least as many.
    fewest = np.ceil(SECRECY_HOUSEHOLDS * PEOPLE_PER_HOUSEHOLD)
    people = np.maximum(cells["people"].to_numpy(), fewest)
    few = rng.uniform(6, 10.4, imputed.sum())  # households
    people[imputed] = np.round(few * PEOPLE_PER_HOUSEHOLD * 2) / 2
    table = pd.DataFrame({"Ind": people})
    table["Men"] = np.maximum(np.round(people / PEOPLE_PER_HOUSEHOLD), 1)
    households = table["Men"][imputed]
    table.loc[imputed, "Men"] = np.clip(households, 6, SECRECY_HOUSEHOLDS - 1)

    table["Ind_snv"] = np.round(people * income_eur, 1)
    _count_households(table, income_eur, cells["collective"].to_numpy(), rng)
    _share_out(table, group)
    _name_cells(table, cells, group)
    return table[COLUMNS]


def choose_groups(
    cells: pd.DataFrame,
    share: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Imputation group of each cell (N,), -1 for none: two or three cells of a square of 400 m."""
    columns = (cells["west"] // GROUP_M).astype(str)
    rows = (cells["south"] // GROUP_M).astype(str)
    squares = columns + " " + rows
    numbers = cells.reset_index(drop=True).groupby(squares.to_numpy()).indices
    squares_by_name = [numbers[name] for name in sorted(numbers)]
    candidates = [rows for rows in squares_by_name if len(rows) >= 2]

    # Squares are taken by lot until enough cells are in a group.
    group = np.full(len(cells), -1)
    for count, place in enumerate(rng.permutation(len(candidates))):
        if (group >= 0).sum() >= share * len(cells):
            break
        inhabited = candidates[place]
        size = int(rng.choice([2, 2, 3]))
        size = min(size, len(inhabited))
        members = rng.choice(inhabited, size, replace=False)
        group[members] = count
    return group


def _count_households(
    table: pd.DataFrame,
    income_eur: np.ndarray,
    collective: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Households and dwellings of each kind; kinds of one whole add up to it."""
    households = table["Men"].to_numpy()
    people = table["Ind"].to_numpy()
    count = households.astype(int)
    shares = {
        "Men_pauv": np.clip(0.14 * (20_000 / income_eur) ** 2.5, 0.01, 0.6),
        "Men_1ind": 0.34,
        "Men_5ind": 0.06,
        "Men_prop": 0.55,
        "Men_fmp": 0.1,
    }
    for column, share in shares.items():
        table[column] = rng.binomial(count, share).astype(float)

    # Flats are smaller than houses, and social housing is in flats.
    area_m2 = rng.normal(92 - 25 * collective, 8)
    table["Men_surf"] = np.round(households * area_m2)
    table["Men_coll"] = rng.binomial(count, collective).astype(float)
    table["Men_mais"] = households - table["Men_coll"]
    table[list(BUILT)] = _split(count, BUILT, rng)
    flats = table["Men_coll"].astype(int)
    table["Log_soc"] = rng.binomial(flats, 0.3).astype(float)
    half_people = _split((2 * people).astype(int), AGES, rng)
    table[list(AGES)] = half_people / 2  # children of two homes count half


def _split(
    totals: np.ndarray,
    percent: dict[str, float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Totals (N,) dealt out to kinds: (N, kinds)."""
    share = np.array(list(percent.values()))
    return rng.multinomial(totals, share / share.sum()).astype(float)


def _share_out(table: pd.DataFrame, group: np.ndarray) -> None:
    """Every cell of a group receives its part of the group, by people: all get one income."""
    counts = [column for column in table.columns if column not in ("Ind", "Men", "Ind_snv")]
    for number in np.unique(group[group >= 0]):
        rows = np.flatnonzero(group == number)
        people = table.loc[rows, "Ind"]
        part = people / people.sum()
        for column in (*counts, "Ind_snv"):
            total = table.loc[rows, column].sum()
            table.loc[rows, column] = (part * total).round(1)


def _name_cells(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    group: np.ndarray,
) -> None:
    """Ids, communes and the flags of imputation."""
    imputed = group >= 0
    ids = cells["id"].to_numpy()
    kilometre = [
        f"CRS3035RES1000mN{south // 1000 * 1000}E{west // 1000 * 1000}"
        for south, west in zip(cells["south"], cells["west"], strict=True)
    ]
    own_group = 500_000 + np.arange(len(table))
    table["IdINSPIRE"] = ids
    table["Id_car2010"] = ids
    table["Id_carr1km"] = kilometre
    table["Id_carr_n"] = np.where(imputed, kilometre, ids)
    table["Groupe"] = np.where(imputed, 700_000 + group, own_group).astype("int32")
    table["Depcom"] = cells["depcom"].to_numpy()
    table["I_est_cr"] = imputed.astype("int32")
    table["I_pauv"] = np.int32(0)
    table["I_est_1km"] = np.int32(0)
