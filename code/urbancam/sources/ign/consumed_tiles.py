"""Tiles and packs that are thrown away once their cells are cut (`imagery.throw_away`)."""

import contextlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from urbancam.sources.download.volumes import volumes
from urbancam.sources.ign.packs import Pack, find_packs, image_root
from urbancam.sources.imagery.signatures import signature
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import digest, read_json
from urbancam.workflow.paths import Paths, display_path
from urbancam.workflow.records import consumed
from urbancam.workflow.records.steps import record_path

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Consumer:
    """A city that is served out of a drop folder.

    Args:
        folder: The city's folder of results; tiles that have served it count as there.
        needed_again: Tiles that count as there no more, since an image cut from them is lost.
        throws_away: `imagery.throw_away`: archives go as soon as their tiles are unpacked.
    """

    folder: Path
    needed_again: frozenset[Path] = frozenset()
    throws_away: bool = False


def throws_away(consumer: Consumer | None) -> bool:
    """Whether archives go as soon as their tiles are unpacked."""
    return consumer is not None and consumer.throws_away


@dataclass(frozen=True)
class ConsumedTiles:
    """Tiles of a drop folder that have served a city, and archives, that are gone.

    Args:
        paths: Where each tile stood, by its pack and its lower-case name; several places where two
            packs of one name hold it.
        facts: Size, bytes, and signature of each.
        archives: Names of packs whose archive was unpacked as far as some city needed.
    """

    paths: dict[tuple[str, str], list[Path]] = field(default_factory=dict)
    facts: dict[Path, tuple[int, str]] = field(default_factory=dict)
    archives: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, folder: Path, consumer: Consumer | None) -> "ConsumedTiles":
        """What the ledger of a drop folder says for a city.

        Args:
            folder: The drop folder.
            consumer: The city; None for no city.
        """
        tiles = cls()
        for name, entry in consumed.read(folder).items():
            path = folder / name
            if path.exists():
                continue
            if "tile" not in entry:
                tiles.archives.add(entry["pack"])
            elif _counts_as_there(path, entry, consumer):
                key = entry["pack"], entry["tile"].lower()
                tiles.paths.setdefault(key, []).append(path)
                tiles.facts[path] = entry["size"], entry["signature"]
        return tiles

    def path_of(self, pack: Pack, name: str) -> Path | None:
        """Where a tile of a pack stood; None where it is none of these."""
        paths = self.paths.get((pack.name, name.lower()), [])
        own_paths = [path for path in paths if path.is_relative_to(image_root(pack.path))]
        return next(iter(own_paths or paths), None)

    def facts_of(self, path: Path) -> tuple[int, str] | None:
        """Size, bytes, and signature of the tile that stood there; None where it is none."""
        return self.facts.get(path)

    def signatures(self) -> dict[Path, str]:
        """The signature of each tile, by where it stood."""
        return {path: signature for path, (_, signature) in self.facts.items()}


def _counts_as_there(path: Path, entry: dict[str, Any], consumer: Consumer | None) -> bool:
    """Whether a tile that was thrown away has served a city that does not need it again."""
    if consumer is None or path in consumer.needed_again:
        return False
    return display_path(consumer.folder) in entry["by"]


@dataclass(frozen=True)
class Used:
    """A file of the drop folder that cities use.

    Args:
        name: Its name below the drop folder.
        users: The cities' folders of results.
        facts: What is to be known of it once it is gone.
    """

    name: str
    users: set[Path]
    facts: dict[str, str]


def throw_away(paths: Paths) -> None:
    """Throw away the tiles and archives of a city whose images are all cut.

    What another city of the same results needs and has not cut yet stays; so do tiles that have no
    index beside them, images of single cells, and what a link leads to.

    Args:
        paths: Of the city; its images are up to date.
    """
    folder = paths.aerial_data
    cities = [paths, *_other_cities(paths)]
    tables = {city.city_folder: _tiles_of(city) for city in cities}
    served = {city.city_folder for city in cities if _is_cut(city)}
    tiles = tables[paths.city_folder]
    indexed = {pack.name for pack in find_packs(folder) if _has_index(pack)}
    tiles = tiles[tiles["pack"].isin(indexed)]

    candidates = [*_tiles(tiles, tables, paths), *_archives(set(tiles["pack"]), tables, folder)]
    # A city that has not been cut yet keeps what it needs.
    _throw_away([file for file in candidates if file.users <= served], folder)


def throw_away_archives(archives: list[Pack], folder: Path, consumer: Consumer) -> None:
    """Throw archives away that have no more to give to a city.

    Cities that have taken their tiles out of them need them no more either.

    Args:
        archives: The archives; what a link leads to stays.
        folder: The drop folder.
        consumer: The city.
    """
    _throw_away(
        [file for pack in archives for file in _volumes(pack, folder, {consumer.folder})], folder
    )


def give_time_back(tiles: Iterable[tuple[Path, str]], archives: list[Pack], folder: Path) -> None:
    """Let tiles and archives that came back as they were look as if they had never been away.

    Args:
        tiles: The tiles in place, each with its signature.
        archives: The archives in place.
        folder: The drop folder.
    """
    facts = {}
    for path, tile_signature in tiles:
        if path.is_relative_to(folder):
            facts[path.relative_to(folder).as_posix()] = {"signature": tile_signature}
    for pack in archives:
        facts |= {file.name: file.facts for file in _volumes(pack, folder, set())}
    consumed.welcome_back(folder, facts)


def _throw_away(files: list[Used], folder: Path) -> None:
    facts = {file.name: file.facts for file in files}
    consumers = {file.name: {display_path(user) for user in file.users} for file in files}
    free_bytes = consumed.throw_away(folder, facts, consumers)
    if files:
        log.info(
            "imagery.throw_away: %d tiles and archives are gone, %.1f GB are free again",
            len(files),
            free_bytes / 1e9,
        )


def _tiles(tiles: pd.DataFrame, tables: dict[Path, pd.DataFrame], paths: Paths) -> Iterator[Used]:
    """The tiles that lie in the drop folder itself, each with the cities that use it."""
    files_of_city = {city: set(table["path"]) for city, table in tables.items()}
    for row in tiles.itertuples():
        path = paths.data / row.path
        if is_own_file(path, paths.aerial_data):
            yield Used(
                path.relative_to(paths.aerial_data).as_posix(),
                {city for city, files in files_of_city.items() if row.path in files},
                {"tile": row.name, "pack": row.pack, "signature": row.signature},
            )


def _other_cities(paths: Paths) -> list[Paths]:
    """The other cities of the same results that have a table of tiles."""
    folders = sorted(table.parent for table in paths.results.glob(f"*/{paths.tiles.name}"))
    return [paths.of_city(folder.name) for folder in folders if folder != paths.city_folder]


def _tiles_of(city: Paths) -> pd.DataFrame:
    """`name, path, pack, signature` of the files that a city's images are cut from."""
    columns = ["name", "path", "pack", "signature"]
    table = pd.read_parquet(city.tiles)
    return table.reindex(columns=columns).dropna(subset="path")


def _is_cut(city: Paths) -> bool:
    """Whether a city's images were cut from its tiles as they are."""
    record = read_json(record_path(city.images_table)) or {}
    stamp = record.get("inputs", {}).get(display_path(city.tiles), {})
    return stamp.get("sha256") == digest(city.tiles)


def _has_index(pack: Pack) -> bool:
    """Whether a pack is unpacked and has an index, so that its tiles are known without them."""
    return not pack.is_archive and pack.path.is_file()


def _archives(packs: set[str], tables: dict[Path, pd.DataFrame], folder: Path) -> Iterator[Used]:
    """The files of these packs' archives, each with the cities that use the pack."""
    for pack in find_packs(folder):
        if not pack.is_archive or pack.name not in packs:
            continue
        users = {city for city, table in tables.items() if pack.name in set(table["pack"])}
        yield from _volumes(pack, folder, users)


def _volumes(pack: Pack, folder: Path, users: set[Path]) -> Iterator[Used]:
    """The files of an archive that lie in the drop folder itself."""
    with contextlib.suppress(InputError):  # one that lacks a volume was not used
        for path in volumes(pack.path):
            if is_own_file(path, folder):
                facts = {"pack": pack.name, "signature": signature(path)}
                yield Used(path.relative_to(folder).as_posix(), users, facts)


def is_own_file(path: Path, folder: Path) -> bool:
    """Whether a file lies in the drop folder itself, not behind a link."""
    is_inside = path.resolve().is_relative_to(folder.resolve())
    return path.is_file() and not path.is_symlink() and is_inside
