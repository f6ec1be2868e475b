"""INSEE's gridded incomes (Filosofi, 200 m): a column map per vintage, addresses, how files are named.

Light on purpose: step 01 looks here before it knows whether there is anything to do.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from urbancam.errors import InputError
from urbancam.paths import shown
from urbancam.records import listing

ADDRESS = "https://www.insee.fr/fr/statistiques/fichier"
TABLE_SUFFIXES = (".csv", ".gpkg", ".shp")  # in order of preference
READABLE = re.compile(r"\.(csv|gpkg|shp|zip|7z|7z\.0*1)$", re.IGNORECASE)
OTHER_GRID = re.compile(r"1000m|1km|nat(urel)?(?![a-z])|rect", re.IGNORECASE)
OVERSEAS = re.compile(r"(?<![a-z])(mart|reun|guad|guy|may)", re.IGNORECASE)
METROPOLITAN = re.compile(r"(?<![a-z])met", re.IGNORECASE)


@dataclass(frozen=True)
class Vintage:
    """One year of incomes.

    Args:
        page: number of INSEE's page, and folder of its files.
        columns: `{our column: INSEE's column in lower case}`; INSEE's case varies.
    """

    page: int
    columns: dict[str, str]

    def addresses(self, year: int) -> list[str]:
        """Addresses of the archives, the smallest first; all hold the same columns."""
        return [f"{ADDRESS}/{self.page}/Filosofi{year}_carreaux_200m_{kind}.zip" for kind in ("csv", "shp")]


COUNTS = {"ind": "ind", "men": "men", "men_pauv": "men_pauv", "ind_snv": "ind_snv"}
LATER = {"idINSPIRE": "idcar_200m", "depcom": "lcog_geo", "imputed": "i_est_200", **COUNTS}

VINTAGES = {
    2015: Vintage(
        4176290,
        {"idINSPIRE": "idinspire", "depcom": "depcom", "imputed": "i_est_cr", "group": "groupe", **COUNTS},
    ),
    2017: Vintage(6215138, LATER | {"group": "groupe"}),
    2019: Vintage(7655475, LATER | {"group": "idcar_nat"}),  # no `groupe` any more
    2021: Vintage(8735162, LATER | {"group": "idcar_nat"}),
}


def find_source(folder: Path, year: int) -> Path | None:
    """The file of a vintage that is already in place, at any depth: a table, or an archive of one.

    Raises:
        InputError: a 200 m file that does not say its year, and none that does.
    """
    files = [folder / name for name, *_ in listing(folder) if READABLE.search(name)]
    files = [path for path in files if not OTHER_GRID.search(path.name) and not OVERSEAS.search(path.name)]
    years = {path: set(re.findall(r"20[12]\d", path.relative_to(folder).as_posix())) for path in files}
    if fitting := [path for path in files if str(year) in years[path]]:
        return min(fitting, key=_preference)
    unnamed = [path for path in files if not years[path] and "200m" in path.name.lower()]
    if unnamed:
        raise InputError(
            "this file does not say which year its incomes are of",
            shown(unnamed[0]),
            f"move it into a folder named after its year, e.g. {shown(folder / str(year))}, or away",
        )
    return None


def choose_table(tables: list[Path], archive: Path) -> Path:
    """The one table of metropolitan France at 200 m among the files of an archive.

    Raises:
        InputError: none, or several and no telling which.
    """
    found = [path for path in tables if path.suffix.lower() in TABLE_SUFFIXES]
    fitting = [path for path in found if not OTHER_GRID.search(path.stem) and not OVERSEAS.search(path.stem)]
    if len(fitting) > 1:
        fitting = [path for path in fitting if METROPOLITAN.search(path.stem)]
    if len({path.stem for path in fitting}) != 1:
        names = ", ".join(sorted(path.name for path in found)) or "none"
        raise InputError(
            f"no telling which table is metropolitan France at 200 m (tables: {names})",
            shown(archive),
            "unpack it by hand and leave only the right table beside it",
        )
    return min(fitting, key=_preference)


def _preference(path: Path) -> tuple[int, str]:
    """Tables before archives, the quickest to read first."""
    suffix = path.suffix.lower()
    rank = TABLE_SUFFIXES.index(suffix) if suffix in TABLE_SUFFIXES else len(TABLE_SUFFIXES)
    return rank, path.as_posix()
