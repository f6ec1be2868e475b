"""INSEE's gridded incomes (Filosofi): a column map per vintage and grid, addresses, file names.

Light on purpose: step 01 looks here before it knows whether there is anything to do.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import files_below
from urbancam.workflow.paths import display_path

ADDRESS = "https://www.insee.fr/fr/statistiques/fichier"
TABLE_SUFFIXES = (".csv", ".gpkg", ".shp")  # in order of preference
READABLE = re.compile(r"\.(csv|gpkg|shp|zip|7z|7z\.0*1)$", re.IGNORECASE)
YEAR = re.compile(r"20[12]\d")
KILOMETRE = re.compile(r"1000m|1km", re.IGNORECASE)  # INSEE's names of its 1 km grid
OTHER_GRID = re.compile(r"nat(urel)?(?![a-z])|rect", re.IGNORECASE)  # neither of 200 m nor of 1 km
OVERSEAS = re.compile(r"(?<![a-z])(mart|reun|guad|guy|may)", re.IGNORECASE)
METROPOLITAN = re.compile(r"(?<![a-z])met", re.IGNORECASE)


@dataclass(frozen=True)
class Vintage:
    """One year of incomes on one grid.

    Args:
        page: Number of INSEE's page, and folder of its files.
        grid: Name of the grid in file names.
        columns: `{our column: INSEE's column in lower case}`; INSEE's case varies.
        flags: Values of the imputation flag; 1 is an imputed cell, 2 a true one whose rounded
            households are few.
    """

    page: int
    grid: str
    columns: dict[str, str]
    flags: tuple[int, ...] = (0, 1)

    def addresses(self, year: int) -> list[str]:
        """Addresses of the archives, the smallest first; all hold the same columns."""
        stem = f"{ADDRESS}/{self.page}/Filosofi{year}_carreaux_{self.grid}"
        return [f"{stem}_csv.zip", f"{stem}_shp.zip"]


COUNTS = {"ind": "ind", "men": "men", "men_pauv": "men_pauv", "ind_snv": "ind_snv"}
COLUMNS_2015 = {
    "idINSPIRE": "idinspire",
    "depcom": "depcom",
    "imputed": "i_est_cr",
    "group": "groupe",
    **COUNTS,
}
COLUMNS_2017 = {
    "idINSPIRE": "idcar_200m",
    "depcom": "lcog_geo",
    "imputed": "i_est_200",
    **COUNTS,
    "group": "groupe",
}
COLUMNS_2019 = COLUMNS_2017 | {"group": "idcar_nat"}  # no `groupe` any more

# The 1 km grid has no imputation groups (Insee, Documentation des donnees carroyees Filosofi 2019,
# section II.2).
KM_COLUMNS_2015 = {
    "idINSPIRE": "id_carr1km",
    "depcom": "depcom",
    "imputed": "i_est_1km",
    **COUNTS,
}
KM_COLUMNS_2017 = {
    "idINSPIRE": "idcar_1km",
    "depcom": "lcog_geo",
    "imputed": "i_est_1km",
    **COUNTS,
}
KM_FLAGS = (0, 1, 2)

VINTAGES = {  # (year, side of a cell in m)
    (2015, 200): Vintage(4176290, "200m", COLUMNS_2015),
    (2017, 200): Vintage(6215138, "200m", COLUMNS_2017),
    (2019, 200): Vintage(7655475, "200m", COLUMNS_2019),
    (2021, 200): Vintage(8735162, "200m", COLUMNS_2019),
    (2015, 1000): Vintage(4176293, "1000m", KM_COLUMNS_2015, KM_FLAGS),
    (2017, 1000): Vintage(6215140, "1km", KM_COLUMNS_2017, KM_FLAGS),
    (2019, 1000): Vintage(7655464, "1km", KM_COLUMNS_2017, KM_FLAGS),
    (2021, 1000): Vintage(8735171, "1km", KM_COLUMNS_2017, KM_FLAGS),
}


def _is_of_grid(name: str, cell_size_m: int) -> bool:
    """Whether a file's name is of this grid of metropolitan France.

    One that names no grid is of 200 m.
    """
    if OTHER_GRID.search(name) or OVERSEAS.search(name):
        return False
    return bool(KILOMETRE.search(name)) == (cell_size_m == 1000)


def find_source(folder: Path, year: int, cell_size_m: int = 200) -> Path | None:
    """The file of a vintage that is already in place, at any depth: a table, or an archive of one.

    Raises:
        InputError: a file of the grid that does not say its year, and none that does.
    """
    files = files_below(folder, lambda name: bool(READABLE.search(name)))
    files = [path for path in files if _is_of_grid(path.name, cell_size_m)]
    # The year stands in the file's name, or in that of a folder above it.
    years = {path: YEAR.findall(path.relative_to(folder).as_posix()) for path in files}
    fitting = [path for path in files if str(year) in years[path]]
    if fitting:
        return min(fitting, key=_preference)

    # A file that names the grid is surely meant, so it is not passed over in silence.
    for path in files:
        if not years[path] and _names_grid(path.name, cell_size_m):
            year_folder = display_path(folder / str(year))
            raise InputError(
                "this file does not say which year its incomes are of",
                display_path(path),
                f"move it into a folder named after its year, e.g. {year_folder}, or away",
            )
    return None


def _names_grid(name: str, cell_size_m: int) -> bool:
    """Whether a file of this grid says so; all files of 1 km do, those of 200 m may not."""
    return cell_size_m == 1000 or "200m" in name.lower()


def choose_table(tables: list[Path], archive: Path, cell_size_m: int = 200) -> Path:
    """The one table of metropolitan France on a grid among the files of an archive.

    Raises:
        InputError: none, or several and no telling which.
    """
    # An archive may hold other grids, islands overseas and notes as well.
    readable = [path for path in tables if path.suffix.lower() in TABLE_SUFFIXES]
    fitting = [path for path in readable if _is_of_grid(path.stem, cell_size_m)]
    if len(fitting) > 1:
        fitting = [path for path in fitting if METROPOLITAN.search(path.stem)]

    # One table may lie there in several formats.
    stems = {path.stem for path in fitting}
    if len(stems) != 1:
        names = ", ".join(sorted(path.name for path in readable)) or "none"
        raise InputError(
            f"no telling which table is metropolitan France at {cell_size_m} m (tables: {names})",
            display_path(archive),
            "unpack it by hand and leave only the right table beside it",
        )
    return min(fitting, key=_preference)


def _preference(path: Path) -> tuple[int, str]:
    """Tables before archives, the quickest to read first."""
    suffix = path.suffix.lower()
    if suffix in TABLE_SUFFIXES:
        return TABLE_SUFFIXES.index(suffix), path.as_posix()
    return len(TABLE_SUFFIXES), path.as_posix()
