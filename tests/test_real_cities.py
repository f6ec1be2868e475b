"""A city of eight departments over IGN's and INSEE's servers, disturbed at every turn.

Steps 01 to 06 are killed sixty times (`kill -9`) while the servers fail; in the end every file is,
byte for byte, what an undisturbed run leaves, and nothing that was whole was fetched again.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path, PurePath

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from loopback import Reply, serve
from provider_server import DOWNLOAD, INDEX, Ign
from samples import ID_COLUMN, OTHER_COLUMNS, ROOT, write_census, write_old_urban_atlas
from small_packs import N, W, archive, write_pack
from urbancam.sources.census.selection import squares_inside
from urbancam.tables import grid
from urbancam.workflow.records import consumed

pytestmark = pytest.mark.long

SEED = 10
KILLS = {"01": 8, "02": 6, "03": 6, "04": 24, "05": 10, "06": 6}  # of each step, sixty in all
THROWING_KILLS = {"04": 12, "05": 4}  # of the steps that throw away
# A step that asks servers is killed so long, at most, after its first request: or within this share
# of the time that it takes undisturbed, which grows with what else the machine does.
ASKING_S = 2.0
ASKING_SHARE = 1 / 3
FETCHING_S = (
    0.3  # the same after the first file that it asks for; all of them are fetched in seconds
)
DEPARTMENTS = ["75", "77", "78", "91", "92", "93", "94", "95"]
DEPARTMENT_M = 800  # two tiles of each from west to east, and two from north to south
INSET_M = 250  # the city keeps clear of the outer edge of all tiles
VOLUME_BYTES = 60_000
BDORTHO = "BDORTHO_2-0_RVB-0M20_JP2-E080_LAMB93_D{:0>3}_2021-01-01"
CENSUS = "Filosofi2015_carreaux_200m_csv.zip"
SETTINGS = ["census.vintage=2015", "imagery.pixel_size_m=2.0"]

# Runs a script against other servers, and waits for none of them for long.
DRIVER = """
import runpy, sys, time
insee, script = sys.argv[1:3]
sys.path.insert(0, sys.argv[3])
from urbancam.sources.census import vintages
vintages.ADDRESS = insee
sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.02))
sys.argv = [script, *sys.argv[4:]]
runpy.run_path(script, run_name="__main__")
"""


class Providers:
    """IGN's download service and INSEE's files, slow, and failing where told to.

    Args:
        packs: As of `Ign`.
        census: INSEE's archive.
        seed: Of the faults; None for servers that never fail.
    """

    def __init__(self, packs, census: bytes, seed: int | None = None) -> None:
        self._ign = Ign(packs, per_page=3)
        self._census = Reply(census, headers={"ETag": '"census"'})
        self._random = None if seed is None else random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, request: BaseHTTPRequestHandler, number: int) -> Reply:
        if request.path.startswith("/insee/"):
            reply = self._census if request.path.endswith(CENSUS) else Reply(status=404)
        else:
            reply = self._ign(request, number)
        fault = self._fault(reply)
        if fault is not None:
            return fault
        if request.path.startswith((DOWNLOAD, "/insee/")):
            return Reply(reply.body, reply.status, headers=reply.headers, piece_s=0.02)
        return reply

    def _fault(self, reply: Reply) -> Reply | None:
        """Every sixth answer or so is busy, broken, or cut somewhere."""
        if self._random is None:
            return None
        with self._lock:
            kind = self._random.randrange(24)
            cut = self._random.randrange(len(reply.body) + 1)
        faults = {
            0: Reply(b"", 500),
            1: Reply(b"", 503),
            2: Reply(b"slow down", 429, headers={"Retry-After": "0"}),
            3: Reply(reply.body, reply.status, headers=reply.headers, cut=cut),
        }
        return faults.get(kind)


@dataclass(frozen=True)
class World:
    """What the providers have, and the outline of the city."""

    packs: dict[str, list[tuple[str, bytes]]]
    census: bytes
    urban_atlas: bytes


def make_outline() -> gpd.GeoSeries:
    """The city: all departments but for a rim."""
    east, south = W + len(DEPARTMENTS) * DEPARTMENT_M, N - DEPARTMENT_M
    box = shapely.box(W + INSET_M, south + INSET_M, east - INSET_M, N - INSET_M)
    return gpd.GeoSeries([shapely.segmentize(box, 100)], crs="EPSG:2154").to_crs("EPSG:3035")


def make_pack(folder: Path, number: int) -> dict[str, list[tuple[str, bytes]]]:
    """One department's pack as the server holds it."""
    department = DEPARTMENTS[number]
    west = W + number * DEPARTMENT_M
    corners = [(west + x, N - y) for x in (0, 400) for y in (0, 400)]
    pack = write_pack(folder, department.zfill(3), 2021, corners, inner="BDORTHO")
    pack = pack.rename(pack.with_name(BDORTHO.format(department)))
    volumes = archive(pack, folder, VOLUME_BYTES)
    return {pack.name: [(path.name, path.read_bytes()) for path in volumes]}


def make_census(folder: Path, outline: gpd.GeoSeries) -> bytes:
    """INSEE's archive with all squares of the city, each in the department it lies in."""
    ids = squares_inside(outline.iloc[0], 200)
    x, y = grid.centres(ids).T
    places = gpd.GeoSeries.from_xy(x, y, crs="EPSG:3035").to_crs("EPSG:2154")
    departments = ((places.x - W) // DEPARTMENT_M).astype(int)
    number = pd.Series(range(len(ids)), dtype=float)
    names = OTHER_COLUMNS[2015]
    frame = pd.DataFrame(
        {
            ID_COLUMN[2015]: ids,
            names["imputed"]: 0,
            names["depcom"]: [f"{DEPARTMENTS[number]}001" for number in departments],
            names["group"]: range(len(ids)),
            "Ind": number + 10,
            "Men": number + 4,
            "Men_pauv": 1.0,
            "Ind_snv": (number + 10) * (20_000 + 100 * number),
        }
    )
    frame = gpd.GeoDataFrame(frame, geometry=places, crs="EPSG:2154")
    return write_census(folder, 2015, frame=frame).read_bytes()


def make_urban_atlas(folder: Path, outline: gpd.GeoSeries) -> bytes:
    """Copernicus' archive: the city in four parts of land cover."""
    west, south, east, north = outline.total_bounds + [-300, -300, 300, 300]
    middle = (west + east) / 2
    quarters = [
        shapely.box(west, south, middle, (south + north) / 2),
        shapely.box(middle, south, east, (south + north) / 2),
        shapely.box(west, (south + north) / 2, middle, north),
        shapely.box(middle, (south + north) / 2, east, north),
    ]
    labels = {"FUA_NAME": "Test", "FUA_OR_CIT": "FR001L1"}
    land = {"CODE2012": ["11100", "12220", "14100", "31000"], "ITEM2012": "x"} | labels
    land = gpd.GeoDataFrame(land, geometry=quarters, crs="EPSG:3035")
    boundary = gpd.GeoDataFrame(labels, index=[0], geometry=outline.to_numpy(), crs="EPSG:3035")
    return write_old_urban_atlas(folder, "FR001L1_TEST", land, boundary).read_bytes()


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("providers")
    outline = make_outline()
    packs = {}
    for number in range(len(DEPARTMENTS)):
        packs |= make_pack(folder / str(number), number)
    return World(packs, make_census(folder, outline), make_urban_atlas(folder, outline))


class City:
    """A city that is built in a folder of its own.

    Args:
        folder: Its folder.
        world: What the providers have.
        address: Address of the servers.
        settings: Settings of its own.
    """

    def __init__(self, folder: Path, world: World, address: str, *settings: str) -> None:
        self.folder = folder
        self.settings = [*SETTINGS, *settings]
        self.address = address
        (folder / "data" / "UA_data").mkdir(parents=True)
        (folder / "data" / "UA_data" / "FR001L1_TEST.zip").write_bytes(world.urban_atlas)
        (folder / "driver.py").write_text(DRIVER)
        self.log = folder / "log.txt"

    def start(self, step: str, *more: str) -> subprocess.Popen:
        """Start a step in a session of its own."""
        script = next((ROOT / "code").glob(f"{step}_*.py"))
        words = ["--city", "Test"] if step != "01" else []
        words += ["--data", self.folder / "data", "--results", self.folder / "results"]
        for setting in [*self.settings, f"imagery.index_url={self.address}{INDEX}"]:
            words += ["--set", setting]
        words += ["--workers", "2", *more]
        driver = [sys.executable, self.folder / "driver.py", f"{self.address}/insee", script]
        command = [str(word) for word in [*driver, ROOT / "code", *words]]
        with self.log.open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    def run(self, step: str) -> float:
        """Run a step to its end; the seconds it took."""
        started = time.monotonic()
        assert self.start(step).wait() == 0, self.log.read_text()[-3000:]
        return time.monotonic() - started

    def run_patiently(self, step: str) -> None:
        """Run a step until it ends well: a server may wear its patience out."""
        statuses = []
        while not statuses or (statuses[-1] == 2 and len(statuses) < 5):
            statuses.append(self.start(step).wait())
        assert statuses[-1] == 0, self.log.read_text()[-3000:]

    def log_bytes(self) -> int:
        """How much all runs together have said."""
        return self.log.stat().st_size if self.log.exists() else 0

    def archives(self) -> set[str]:
        """The archives and volumes that are in place."""
        paths = (self.folder / "data").glob("*/*.[7z]*")
        return {path.name for path in paths if not path.name.endswith(".part")}

    def thrown_away(self) -> set[str]:
        """The archives and tiles that were thrown away."""
        return {PurePath(name).name for name in consumed.read(self.folder / "data" / "aerial_data")}

    def contents(self) -> dict[str, bytes]:
        """Every file that was fetched, unpacked or computed, and its bytes.

        Records and logs aside, which hold dates.
        """
        files = [
            path
            for top in ("data", "results")
            for path in (self.folder / top).rglob("*")
            if path.is_file() and not path.name.startswith(".")
        ]
        kept = [path for path in files if path.suffix not in (".json", ".log")]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in sorted(kept)}


def kill_after(run: subprocess.Popen, seconds: float, whole_session: bool) -> bool:
    """Kill a step without warning; whether it was still at work."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        status = run.wait(seconds)
        assert status in (0, 2), status
        return False
    if whole_session:
        os.killpg(run.pid, signal.SIGKILL)
    else:
        os.kill(run.pid, signal.SIGKILL)
    run.wait()
    return True


def fetched_files(requests: list) -> list[str]:
    """The files that were asked for, by name."""
    addresses = [path for path, _ in requests]
    return [path.rpartition("/")[2] for path in addresses if path.startswith((DOWNLOAD, "/insee/"))]


def progress(city: City, requests: list, asks: bool, waits_for_file: bool) -> int:
    """How much a step has asked for, or said."""
    if not asks:
        return city.log_bytes()
    return len(fetched_files(requests) if waits_for_file else requests)


def disturb(
    city: City,
    step: str,
    kill_count: int,
    duration_s: float,
    requests: list,
    chance: random.Random,
) -> int:
    """Kill a step as often as it shall be, then let it end; nothing that is whole, or that was
    thrown away, is fetched anew.

    Returns:
        Number of kills that met it while it asked for a file.
    """
    kills = kills_while_fetching = 0
    ended = False
    while kills < kill_count:
        in_place, asked = city.archives() | city.thrown_away(), len(requests)
        asks = step in ("01", "04") and not ended
        # Every other kill waits for a file to be asked for, so that a slow machine has them too.
        waits_for_file = asks and kills % 2 == 0
        before = progress(city, requests, asks, waits_for_file)
        run = city.start(step, *["--force"] * ended)
        while run.poll() is None and progress(city, requests, asks, waits_for_file) == before:
            time.sleep(0.01)
        longest_s = max(ASKING_S, ASKING_SHARE * duration_s) if asks else duration_s
        seconds = chance.uniform(0, FETCHING_S if waits_for_file else longest_s)
        killed = kill_after(run, seconds, chance.random() < 0.5)
        files = fetched_files(requests[asked:])
        assert not in_place & set(files)
        kills += killed
        kills_while_fetching += killed and bool(files)
        ended = not killed
    in_place, asked = city.archives() | city.thrown_away(), len(requests)
    city.run_patiently(step)
    assert not in_place & set(fetched_files(requests[asked:]))
    return kills_while_fetching


def test_city_of_eight_departments_survives_sixty_kills_and_failing_servers(world, tmp_path):
    with serve(Providers(world.packs, world.census)) as (address, _):
        calm = City(tmp_path / "city", world, address)
        durations_s = {step: calm.run(step) for step in KILLS}
    expected = calm.contents()
    assert sum(name.endswith(".png") for name in expected) > 40
    assert len(calm.archives()) > len(DEPARTMENTS) * 4
    calm.folder.rename(tmp_path / "calm")  # tables name the files they are of

    chance = random.Random(SEED)
    with serve(Providers(world.packs, world.census, SEED)) as (address, requests):
        city = City(tmp_path / "city", world, address)
        while_fetching = {
            step: disturb(city, step, kill_count, durations_s[step], requests, chance)
            for step, kill_count in KILLS.items()
        }
    assert while_fetching["04"] >= 8  # else most kills met nothing worth disturbing

    got = city.contents()
    assert sorted(got) == sorted(expected)
    assert [name for name in expected if got[name] != expected[name]] == []


def test_city_whose_imagery_is_thrown_away_survives_kills_and_failing_servers(world, tmp_path):
    steps = ["01", "02", "03", "04", "05"]
    with serve(Providers(world.packs, world.census)) as (address, _):
        calm = City(tmp_path / "city", world, address)
        durations_s = {step: calm.run(step) for step in steps}
    expected = {name: it for name, it in calm.contents().items() if name.startswith("results/")}
    calm.folder.rename(tmp_path / "calm")

    chance = random.Random(SEED)
    with serve(Providers(world.packs, world.census, SEED)) as (address, requests):
        city = City(tmp_path / "city", world, address, "imagery.throw_away=true")
        for step in steps:
            kill_count = THROWING_KILLS.get(step, 0)
            disturb(city, step, kill_count, durations_s[step], requests, chance)

    got = {name: it for name, it in city.contents().items() if name.startswith("results/")}
    assert got == expected
    assert not list((city.folder / "data" / "aerial_data").glob("*.7z*"))
    assert not list((city.folder / "data" / "aerial_data").rglob("*.jp2"))
