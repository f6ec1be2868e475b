"""Packs in place and on offer, and what step 04 makes of them, for tests."""

from loopback import HASTY
from provider_server import DOWNLOAD, INDEX
from small_packs import N, W, archive, cells, write_pack
from urbancam.sources.ign import collect
from urbancam.workflow.settings.settings import load

BDORTHO = "BDORTHO_2-0_RVB-{}_JP2-E080_LAMB93_D{:0>3}_{}-01-01"
BOTH_TILES = ((W, N), (W + 400, N))


def pack_folder(top, department="075", year=2021, corners=BOTH_TILES, pixel="0M20"):
    """An unpacked pack under its present name."""
    folder = write_pack(top, department, year, list(corners), inner="BDORTHO")
    return folder.rename(folder.with_name(BDORTHO.format(pixel, department, year)))


def served(tmp_path, *args, volume_bytes=30_000, **options):
    """A pack as the server holds it: {name: [(file, bytes)]}."""
    folder = pack_folder(tmp_path / f"served{len(list(tmp_path.iterdir()))}", *args, **options)
    volumes = archive(folder, folder.parent, volume_bytes)
    return {folder.name: [(path.name, path.read_bytes()) for path in volumes]}


def collected(url, data, wanted_cells=None, *assignments):
    """Tiles and faults of the cells, from packs in place and a server."""
    wanted_cells = cells() if wanted_cells is None else wanted_cells
    assignments = [f"index_url={url}{INDEX}", *assignments]
    imagery = load("default", [f"imagery.{assignment}" for assignment in assignments]).imagery
    folder = data / "aerial_data"
    return collect.from_archives(wanted_cells, imagery, "Test", data, folder, HASTY)


def asked_files(requests):
    return [path.rpartition("/")[2] for path, _ in requests if path.startswith(DOWNLOAD)]
