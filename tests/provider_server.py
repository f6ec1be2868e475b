"""IGN's download service and WMS on loopback: paged Atom index, files with ranges and MD5,
images of any place."""

import hashlib
import math
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from loopback import Reply

INDEX = "/telechargement/resource/BDORTHO"
DOWNLOAD = "/telechargement/download/BDORTHO"
WMS = "/wms-r"
FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:gpf_dl="https://data.geopf.fr/annexes/ressources/xsd/gpf_dl.xsd"
      xmlns="http://www.w3.org/2005/Atom" gpf_dl:page="{page}" gpf_dl:pagesize="{size}"
      gpf_dl:pagecount="{pages}" gpf_dl:totalentries="{total}">
  <title>BDORTHO</title>{entries}
</feed>"""
RESOURCE = """
  <entry><title>{name}</title>
    <link href="{base}{index}/{name}" rel="alternate" type="application/atom+xml"/>
    <gpf_dl:zone term="{zone}" label="{zone}"/>
    <gpf_dl:editionDate>{date}</gpf_dl:editionDate></entry>"""
FILE = """
  <entry><title>{name}</title>
    <link href="{url}" rel="section" type="application/x-7z-compressed" gpf_dl:length="{size}"/>
    <id>{url}</id>{content}</entry>"""
EXCEPTION = (
    b'<?xml version="1.0"?><ServiceExceptionReport version="1.3.0">'
    b'<ServiceException code="LayerNotDefined">'
    b"Layer NOPE unknown.</ServiceException></ServiceExceptionReport>"
)

Fault = Callable[[str, int], Reply | None]


class Ign:
    """The service.

    Args:
        packs: name of each pack, with its files as (name, bytes).
        per_page: entries of a page, whatever the client asks for.
        md5: "content" (in the feed), "file" (a .md5 beside the volumes), "gone" (listed, answers
            404), "wrong".
        fault: called first with a request's path and how often that path was asked before; its
            reply stands.
        paint: (x, y) of EPSG:2154 -> (3, H, W) uint8, what the WMS shows there.
    """

    def __init__(
        self,
        packs: dict[str, list[tuple[str, bytes]]] | None = None,
        *,
        per_page: int = 10,
        md5: str = "content",
        fault: Fault = lambda path, number: None,
        paint=None,
    ) -> None:
        self.packs, self.per_page, self.md5, self.fault = packs or {}, per_page, md5, fault
        self.paint = paint or (
            lambda x, y: np.stack([x % 251, y % 241, (x + y) % 239]).astype(np.uint8)
        )
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()
        self.times: list[float] = []

    def __call__(self, request: BaseHTTPRequestHandler, _: int) -> Reply:
        with self._lock:
            number = self._asked.get(request.path, 0)
            self._asked[request.path] = number + 1
            self.times.append(time.monotonic())
        if "Mozilla" not in request.headers.get("User-Agent", ""):
            return Reply(b"browsers only", 403)
        return self.fault(request.path, number) or self._answer(
            request.path, f"http://{request.headers['Host']}"
        )

    def _answer(self, address: str, base: str) -> Reply:
        parts = urlsplit(address)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == INDEX:
            return self._index(base, query)
        if parts.path.startswith(INDEX + "/"):
            return self._resource(base, parts.path.rpartition("/")[2], query)
        if parts.path.startswith(DOWNLOAD):
            return self._file(*parts.path.rsplit("/", 2)[1:])
        return self._image(query) if parts.path == WMS else Reply(b"", 404)

    def _page(self, entries: list[str], query: dict[str, str]) -> Reply:
        size = min(int(query.get("limit", self.per_page)), self.per_page)
        page = int(query.get("page", 1))
        shown = entries[(page - 1) * size : page * size]
        counts = {
            "page": page,
            "size": size,
            "pages": math.ceil(len(entries) / size),
            "total": len(entries),
        }
        return Reply(FEED.format(entries="".join(shown), **counts).encode())

    def _index(self, base: str, query: dict[str, str]) -> Reply:
        names = [
            name
            for name in self.packs
            if f"_{query.get('zone', '')}_" in name or "zone" not in query
        ]
        entries = [
            RESOURCE.format(
                name=name,
                base=base,
                index=INDEX,
                zone=name.split("_")[-2],
                date=name.split("_")[-1],
            )
            for name in names
        ]
        return self._page(entries, query)

    def _resource(self, base: str, pack: str, query: dict[str, str]) -> Reply:
        if pack not in self.packs:
            return Reply(b"", 404)
        files = []
        for name, content in self.packs[pack]:
            sums = {"content": hashlib.md5(content).hexdigest(), "wrong": "0" * 32}
            files.append((name, len(content), sums.get(self.md5, "")))
        if self.md5 in ("file", "gone"):
            files.append((f"{pack}.md5", 99, ""))
        entries = [
            FILE.format(
                name=name,
                url=escape(f"{base}{DOWNLOAD}/{pack}/{name}"),
                size=size,
                content=f"<content>{md5}</content>" if md5 else "",
            )
            for name, size, md5 in files
        ]
        return self._page(entries, query)

    def _file(self, pack: str, name: str) -> Reply:
        files = dict(self.packs.get(pack, []))
        if name.endswith(".md5") and self.md5 == "file":
            lines = [
                f"{hashlib.md5(content).hexdigest()} *{file}" for file, content in files.items()
            ]
            return Reply("\n".join(lines).encode())
        if name not in files:
            return Reply(b"", 404)
        return Reply(files[name], headers={"ETag": f'"{hashlib.md5(files[name]).hexdigest()}"'})

    def _image(self, query: dict[str, str]) -> Reply:
        if query["LAYERS"] == "NOPE":
            return Reply(EXCEPTION, headers={"Content-Type": "text/xml"})
        west, south, east, north = map(float, query["BBOX"].split(","))
        width, height = int(query["WIDTH"]), int(query["HEIGHT"])
        image = geotiff(self.paint, (west, south, east, north), width, height)
        return Reply(image, headers={"Content-Type": "image/geotiff"})


def geotiff(paint, bounds: tuple[float, float, float, float], width: int, height: int) -> bytes:
    """A GeoTIFF of EPSG:2154 painted by position."""
    west, south, east, north = bounds
    place = Affine((east - west) / width, 0, west, 0, (south - north) / height, north)
    x, y = place @ np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=width,
            height=height,
            count=3,
            dtype="uint8",
            crs="EPSG:2154",
            transform=place,
        ) as image:
            image.write(paint(np.asarray(x), np.asarray(y)))
        return memory.read()
