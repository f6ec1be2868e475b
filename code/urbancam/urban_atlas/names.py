"""Cities by name or code, however they are spelt: Le Havre, SAINT-ETIENNE, Saint-Étienne, FR001, FR001L1."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

FUA_CODE = re.compile(r"[a-z]{2}\d{3}(l\d)?")
PRODUCT_NAME = re.compile(r"\b([a-z]{2}\d{3}l\d)\b(?: ([a-z][a-z ]*?))?(?= ua\d{4}\b| cityboundary\b| \d|$)")


def plain(text: str) -> str:
    """Lower case, without accents, every other sign a single blank; UTF-8 read as Latin-1 is mended first."""
    try:
        text = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass
    text = text.replace("œ", "oe").replace("Œ", "oe").replace("ß", "ss")
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()


def is_code(city: str) -> bool:
    """Whether a city is given by its code (FR001 or FR001L1)."""
    return bool(FUA_CODE.fullmatch(plain(city)))


def same_city(city: str, name: str = "", code: str = "") -> bool:
    """Whether a product's name or code is that of the city asked for."""
    asked = plain(city)
    if is_code(city):
        return plain(code).startswith(asked)
    return _without_article(asked) == _without_article(plain(name))


def cities_in_path(path: PurePath) -> set[tuple[str, str]]:
    """(code, name) pairs that the folders and the file name of a Copernicus product speak of; "" where unsaid."""
    found = [PRODUCT_NAME.search(plain(part)) for part in (*path.parts[:-1], path.stem)]
    return {(match[1], match[2] or "") for match in found if match}


def path_says(path: PurePath, city: str) -> bool | None:
    """Whether a path speaks of the city; None where it does not say which city it is of."""
    pairs = cities_in_path(path)
    if any(same_city(city, name, code) for code, name in pairs):
        return True
    silent = not pairs or (not is_code(city) and any(not name for _, name in pairs))
    return None if silent else False


def listed(cities: Iterable[tuple[str, str]]) -> str:
    """Cities for a message: "Lyon (fr003l2), Paris (fr001l1)"."""
    return ", ".join(sorted(f"{name.title()} ({code})" if name else code for code, name in cities)) or "none"


def _without_article(name: str) -> str:
    """ "havre le" and "le havre" are one."""
    found = re.fullmatch(r"(.+) (le|la|les|l)", name)
    return f"{found[2]} {found[1]}" if found else name
