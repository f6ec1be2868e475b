"""Cities by name or code, however they are spelt.

Le Havre, SAINT-ETIENNE, Saint-Étienne, FR001, FR001L1.
"""

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePath

FUA_CODE = re.compile(r"[a-z]{2}\d{3}(l\d)?")
# Code and name in what a Copernicus product is called, in plain letters.
PRODUCT_NAME = re.compile(
    r"\b([a-z]{2}\d{3}l\d)\b(?: ([a-z][a-z ]*?))?(?= ua\d{4}\b| cityboundary\b| \d|$)"
)
NAME_AND_ARTICLE = re.compile(r"(.+) (le|la|les|l)")


def plain(text: str) -> str:
    """Lower case, no accents, every other sign a single blank.

    UTF-8 that was read as Latin-1 is mended.
    """
    for encoding in ("latin-1", "cp1252"):
        try:
            text = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue

    # Accents are signs of their own once letters are decomposed; a ligature has no parts.
    text = text.casefold().replace("œ", "oe")
    signs = unicodedata.normalize("NFKD", text)
    letters = "".join(sign for sign in signs if not unicodedata.combining(sign))
    return re.sub(r"[^a-z0-9]+", " ", letters).strip()


def is_code(city: str) -> bool:
    """Whether a city is given by its code (FR001 or FR001L1)."""
    return bool(FUA_CODE.fullmatch(plain(city)))


def same_city(city: str, *labels: str) -> bool:
    """Whether one of a product's labels (names, codes) is that of a city."""
    if is_code(city):
        # FR001 stands for FR001L1 too.
        codes = [plain(label) for label in labels if is_code(label)]
        return any(code.startswith(plain(city)) for code in codes)
    name = _without_article(plain(city))
    return any(_without_article(plain(label)) == name for label in labels)


def cities_in_path(path: PurePath) -> set[tuple[str, str]]:
    """(code, name) pairs that folders and file name of a Copernicus product speak of.

    A name is "" where the path does not say it.
    """
    pairs = set()
    for part in (*path.parts[:-1], path.stem):
        match = PRODUCT_NAME.search(plain(part))
        if match:
            pairs.add((match[1], match[2] or ""))
    return pairs


def path_says(path: PurePath, city: str) -> bool | None:
    """Whether a path speaks of the city; None where it does not say which city it is of."""
    pairs = cities_in_path(path)
    if any(same_city(city, code, name) for code, name in pairs):
        return True

    # A path with a code alone cannot be compared with a name.
    nameless = any(not name for _, name in pairs)
    silent = not pairs or (nameless and not is_code(city))
    return None if silent else False


def city_list(cities: Iterable[tuple[str, ...]]) -> str:
    """Cities for a message: "FR001L1 Paris, FR003L2 Lyon"."""
    spelt = {" ".join(_spelt(label) for label in labels) for labels in cities}
    return ", ".join(sorted(spelt - {""})) or "none"


def _spelt(label: str) -> str:
    """A code in capitals, a name with an initial."""
    return label.upper() if is_code(label) else label.title()


def _without_article(name: str) -> str:
    """A plain name with its article in front: "havre le" and "le havre" are one."""
    match = NAME_AND_ARTICLE.fullmatch(name)
    return f"{match[2]} {match[1]}" if match else name
