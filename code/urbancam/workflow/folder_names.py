"""What folders and files are called after a city, whatever letters its name has, and what their
names tell."""

import re
import unicodedata
from pathlib import Path


def folder_name(city: str) -> str:
    """Folder name of a city: accents stripped, blanks to hyphens.

    "Saint Étienne" -> "Saint-Etienne".
    """
    plain = unicodedata.normalize("NFKD", city).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "-", plain).strip("-")


def folder_name_among(city: str, cities: list[str]) -> str:
    """Folder name of a city that no other of these cities has.

    It is numbered where the city has no Latin letter, or where another city's would be the same.
    """
    name = folder_name(city)
    all_names = [folder_name(other).casefold() for other in cities]
    if name and all_names.count(name.casefold()) == 1:
        return name
    return f"{name or 'city'}_{cities.index(city)}"


def city_file(data: Path, city: str) -> Path:
    """What a city of one's own says of itself: settings.

    Args:
        data: Folder of what came from outside.
        city: Name of the city, any spelling.
    """
    return data / "cities" / folder_name(city) / "city.yaml"


def variant_of(path: Path) -> str:
    """The variant of a run that a file belongs to, "" for the run itself."""
    place = re.search(r"/variants/([^/]+)/", path.as_posix())
    return place[1] if place else ""
