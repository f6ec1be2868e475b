"""Links and IGN's Atom index, against a server that behaves like IGN's, errors included."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loopback import HASTY, Reply, serve
from provider_server import DOWNLOAD, FEED, INDEX, Ign
from samples import ROOT
from small_packs import N, W, archive, cells, cells_over, found_in, write_pack
from urbancam.sources.download import archives
from urbancam.sources.ign import collect, index
from urbancam.sources.ign.campaigns import CampaignChoice
from urbancam.sources.ign.fetching import ask_index, fetch_linked, fetch_pack, pending_links
from urbancam.sources.ign.links import RemoteFile, read_links
from urbancam.workflow.errors import InputError
from urbancam.workflow.settings.settings import load

pytestmark = pytest.mark.usefixtures("unhurried_index")

BDORTHO = "BDORTHO_2-0_RVB-0M20_JP2-E080_LAMB93_D{:0>3}_{}-01-01"


# links


def links_file(tmp_path, text):
    path = tmp_path / "links.txt"
    path.write_text(text, encoding="utf-8")
    return path


def test_links_of_the_city_and_no_other(tmp_path):
    saint_etienne = (
        "[Saint-Étienne]\nhttp://h/a.7z.001  # first\n#http://h/dead.7z\n\nhttp://h/a.7z.002\n"
    )
    path = links_file(tmp_path, f"# all\n{saint_etienne}[Lyon]\nhttp://h/b.7z\n")
    got = [file.name for file in read_links(path, "saint etienne")]
    assert got == ["a.7z.001", "a.7z.002"]
    assert read_links(path, "Paris") == []
    assert read_links(tmp_path / "none", "Paris") == []


@pytest.mark.parametrize(
    "line", ["ftp://h/a.7z", "a.7z", "http://h", "http://h/", "http://h/a b", "http://[::1/a.7z"]
)
def test_line_that_is_no_address_is_refused_with_its_number(tmp_path, line):
    path = links_file(tmp_path, f"[Lyon]\n{line}\n")
    with pytest.raises(InputError, match="line 2"):
        read_links(path, "Lyon")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.text(max_size=100))
def test_any_text_may_stand_in_the_links_file(tmp_path, text):
    encodable = text.encode("utf-8", "replace").decode()
    path = links_file(tmp_path, f"[Lyon]\n{encodable}")
    try:
        read_links(path, "Lyon")
    except InputError as error:
        assert "line" in error.where


def test_the_projects_own_links_file_is_in_order():
    assert read_links(ROOT / "aerial_links.txt", "Paris") == []


def test_linked_archives_are_fetched_once_and_user_info_stays_secret(data, caplog):
    caplog.set_level("INFO")
    folder = data / "aerial_data"
    with serve(Ign({"P": [("P.7z", b"7z" * 99)]})) as (url, requests):
        secret = url.replace("//", "//user:secret@")
        files = [RemoteFile(f"{secret}{DOWNLOAD}/P/{name}") for name in ("P.7z", "Q.7z")]
        pending = pending_links(files, folder, HASTY)
        assert [file.size_bytes for file in pending] == [2 * 99, None]
        faults = fetch_linked(pending, folder, HASTY)
        assert len(requests) == 4
        assert pending_links(files[:1], folder, HASTY) == []
        assert len(requests) == 4
    assert (folder / "P.7z").read_bytes() == b"7z" * 99
    assert len(faults) == 1
    assert "Q.7z" in str(faults[0])

    contents = "".join(path.read_text(errors="replace") for path in folder.iterdir())
    assert "secret" not in caplog.text + str(faults[0]) + repr(faults) + contents


# IGN's index


def one_pack(tmp_path, department="075", year=2021, volume_bytes=60_000, corners=((W, N),)):
    """A pack as the server holds it: {name: [(file, bytes)]}."""
    name = BDORTHO.format(department, year)
    top = tmp_path / f"{department}{year}"
    folder = write_pack(top, department, year, list(corners), inner="BDORTHO")
    folder = folder.rename(folder.with_name(name))
    volumes = archive(folder, folder.parent, volume_bytes)
    return {name: [(path.name, path.read_bytes()) for path in volumes]}


def test_newest_colour_pack_of_20_cm_is_found_over_many_pages():
    names = [BDORTHO.format("075", year) for year in (2018, 2021, 2024)]
    infrared = names[2].replace("RVB", "IRC")
    finer = names[2].replace("0M20", "0M15")
    elsewhere = BDORTHO.format("092", 2025)
    others = [infrared, finer, elsewhere, "GRAPHE-MOSAIQUAGE_D075_2024-01-01"]
    with serve(Ign(dict.fromkeys(others + names, []), per_page=2)) as (url, requests):
        on_offer = index.packs_on_offer(url + INDEX, "75", HASTY)
        assert index.choose_pack(on_offer, "75", CampaignChoice()) == names[2]
        assert index.choose_pack(on_offer, "75", CampaignChoice(year=2018)) == names[0]
        assert index.choose_pack(on_offer, "75", CampaignChoice(year=2017)) is None
        with pytest.raises(InputError, match="2017.*2024"):
            ask_index("75", url + INDEX, CampaignChoice(year=2017), HASTY)
    assert "page=3" in requests[2][0]


@pytest.mark.parametrize("md5", ["content", "file", "gone"])
def test_files_of_a_pack_come_in_order_with_size_and_sum(tmp_path, md5):
    pack = one_pack(tmp_path, volume_bytes=20_000)
    ((name, files),) = pack.items()
    with serve(Ign(pack, per_page=3, md5=md5)) as (url, _):
        got = index.list_files(f"{url}{INDEX}/{name}", HASTY)
    expected = [(file_name, len(content)) for file_name, content in files]
    assert [(file.name, file.size_bytes) for file in got] == expected
    assert len(files) > 3
    assert all(bool(file.md5) == (md5 != "gone") for file in got)


@pytest.mark.parametrize("name", ["a%00.7z", "..%5Cb.7z", "x" * 300 + ".7z", "a%0A.7z.001"])
def test_link_to_a_name_that_no_file_can_have_is_refused(name):
    with serve(Ign({"P": [(name, b"7z")]})) as (url, _):
        with pytest.raises(InputError, match="not safe to write to"):
            index.list_files(f"{url}{INDEX}/P", HASTY)


def test_link_of_a_feed_that_is_no_address_is_refused():
    def broken(path, _):
        link = '<entry><link href="http://[::1/a.7z"/></entry>'
        return Reply(FEED.format(page=1, size=1, pages=1, total=1, entries=link).encode())

    with serve(Ign(fault=broken)) as (url, _), pytest.raises(InputError, match="no address"):
        index.list_files(f"{url}{INDEX}/P", HASTY)


# packs of departments


def fetch_from(server, data, departments=("75",)):
    """Fetch departments from a server; what went wrong."""
    folder = data / "aerial_data"
    faults = []
    with serve(server) as (url, _):
        for department in departments:
            try:
                offer = ask_index(department, url + INDEX, CampaignChoice(), HASTY)
            except InputError as error:
                faults.append(error)
            else:
                faults += fetch_pack(offer, folder, HASTY)
    return faults


def test_department_is_fetched_through_busy_servers_and_cut_connections(data, tmp_path):
    pack = one_pack(tmp_path)
    ((_, files),) = pack.items()
    contents = dict(files)

    def fault(path, number):
        content = contents.get(path.rpartition("/")[2])
        if path.startswith(INDEX) and number == 0:
            return Reply(b"busy", 429, headers={"Retry-After": "0"})
        if content and number == 0:
            return Reply(content, cut=len(content) // 3)
        if content and number == 1:
            return Reply(b"", 500)
        return None

    assert fetch_from(Ign(pack, fault=fault), data) == []
    assert len(found_in(data).tiles) == 1


def nasty(kind, seed):
    """First answers of a server for a volume's content; then it behaves."""
    place = np.random.default_rng(seed).integers

    def replies(content):
        cut = int(place(len(content)))
        if kind == "cut anywhere":
            return [Reply(content, cut=cut), Reply(content, cut=cut // 2)]
        if kind == "range ignored":
            return [Reply(content, cut=cut), Reply(content, ranges=False)]
        if kind == "length lies":
            lengths = (len(content) + 9, len(content) - 9)
            return [Reply(content, length=length) for length in lengths]
        if kind == "body swapped":
            etag = {"ETag": '"x"'}
            other_content = bytes(byte ^ 255 for byte in content)
            return [Reply(other_content, cut=cut, headers=etag), Reply(content, headers=etag)]
        return [Reply(b"", 503), Reply(b"", 429, headers={"Retry-After": "0"})]

    return replies


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "kind", ["cut anywhere", "range ignored", "length lies", "body swapped", "busy"]
)
def test_pack_comes_whole_from_a_nasty_server(data, tmp_path, kind, seed):
    pack = one_pack(tmp_path)
    ((_, files),) = pack.items()
    first_replies = nasty(kind, seed)
    replies_by_file = {name: first_replies(content) for name, content in files}

    def fault(path, number):
        replies = replies_by_file.get(path.rpartition("/")[2], [])
        return replies[number] if number < len(replies) else None

    for _ in range(2):  # a length that lies to the end is an error; the next run mends it
        faults = fetch_from(Ign(pack, fault=fault), data)
        replies_by_file = {}
    assert faults == []
    for name, content in files:
        assert (data / "aerial_data" / name).read_bytes() == content


def fault_at(start, reply):
    """A fault for every path that begins so."""
    return {"fault": lambda path, n: reply if path.startswith(start) else None}


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({"md5": "wrong"}, "MD5"),
        (fault_at(INDEX, Reply(b"<html>moved</html>")), "Atom|XML"),
        (fault_at(INDEX, Reply(b"", 503)), "503"),
        (fault_at(DOWNLOAD, Reply(b"", 404)), "404"),
        (fault_at(DOWNLOAD, Reply(b"short")), "bytes"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_nothing_half_is_left(data, tmp_path, server, message):
    faults = fetch_from(Ign(one_pack(tmp_path), **server), data)
    assert len(faults) == 1
    with pytest.raises(InputError, match=message):
        raise faults[0]
    assert not [path for path in (data / "aerial_data").iterdir() if archives.is_archive(path)]


def test_one_department_failing_does_not_stop_the_others(data, tmp_path):
    faults = fetch_from(Ign(one_pack(tmp_path, "092")), data, ("75", "92"))
    assert len(faults) == 1
    assert "75" in str(faults[0])
    assert list((data / "aerial_data").glob("*D092*"))


# from the cells to the packs


def imagery(*assignments):
    return load("default", [f"imagery.{assignment}" for assignment in assignments]).imagery


def test_index_is_asked_only_for_what_is_missing(data, tmp_path):
    write_pack(data / "aerial_data", "075", 2014, [(W, N)])
    cells_of_92 = cells_over(W + 400, N - 400, W + 800, N, "92")
    all_cells = pd.concat([cells(), cells_of_92]).drop_duplicates("idINSPIRE")
    pack_of_92 = one_pack(tmp_path, "092", corners=[(W + 400, N)])
    with serve(Ign(pack_of_92)) as (url, requests):
        settings = imagery(f"index_url={url}{INDEX}")
        arguments = (all_cells, settings, "Test", data, data / "aerial_data", HASTY)
        city_tiles, faults = collect.from_archives(*arguments)
        assert faults == []
        assert sorted(city_tiles.tiles["department"]) == ["75", "92"]
        assert requests
        assert not [path for path, _ in requests if "D075" in path]

        request_count = len(requests)
        collect.from_archives(*arguments)
        assert len(requests) == request_count


def test_no_network_is_used_where_the_imagery_is_in_place(data):
    corners = [(W - 400, N + 400), (W, N), (W + 400, N), (W, N + 400)]
    write_pack(data / "aerial_data", "075", 2014, corners)
    with serve(lambda *_: pytest.fail("asked")) as (url, requests):
        settings = imagery(f"index_url={url}")
        collect.from_archives(cells(), settings, "Test", data, data / "aerial_data", HASTY)
    assert requests == []
