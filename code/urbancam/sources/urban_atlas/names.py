"""Cities by name or code, however they are spelt: Le Havre, SAINT-ETIENNE, Saint-Étienne, FR001, FR001L1."""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

FUA_CODE = re.compile(r"[a-z]{2}\d{3}(l\d)?")
PRODUCT_NAME = re.compile(
    r"\b([a-z]{2}\d{3}l\d)\b(?: ([a-z][a-z ]*?))?(?= ua\d{4}\b| cityboundary\b| \d|$)"
)


def plain(text: str) -> str:
    """Lower case, no accents, every other sign a single blank; UTF-8 that was read as Latin-1 is mended."""
    for encoding in ("latin-1", "cp1252"):
        try:
            text = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    letters = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    letters = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()


def is_code(city: str) -> bool:
    """Whether a city is given by its code (FR001 or FR001L1)."""
    return bool(FUA_CODE.fullmatch(plain(city)))


def same_city(city: str, *labels: str) -> bool:
    """Whether one of a product's labels (names, codes) is that of the city asked for."""
    asked = _without_article(plain(city))
    if is_code(city):
        return any(is_code(label) and plain(label).startswith(asked) for label in labels)
    return any(_without_article(plain(label)) == asked for label in labels)


def cities_in_path(path: PurePath) -> set[tuple[str, str]]:
    """(code, name) pairs that folders and file name of a Copernicus product speak of; "" where unsaid."""
    found = [PRODUCT_NAME.search(plain(part)) for part in (*path.parts[:-1], path.stem)]
    return {(match[1], match[2] or "") for match in found if match}


def path_says(path: PurePath, city: str) -> bool | None:
    """Whether a path speaks of the city; None where it does not say which city it is of."""
    pairs = cities_in_path(path)
    if any(same_city(city, code, name) for code, name in pairs):
        return True
    silent = not pairs or (not is_code(city) and any(not name for _, name in pairs))
    return None if silent else False


def listed(cities: Iterable[tuple[str, ...]]) -> str:
    """Cities for a message: "FR001L1 Paris, FR003L2 Lyon"."""
    found = {
        " ".join(label.upper() if is_code(label) else label.title() for label in labels)
        for labels in cities
    }
    return ", ".join(sorted(found - {""})) or "none"


def _without_article(name: str) -> str:
    """ "havre le" and "le havre" are one."""
    found = re.fullmatch(r"(.+) (le|la|les|l)", name)
    return f"{found[2]} {found[1]}" if found else name
