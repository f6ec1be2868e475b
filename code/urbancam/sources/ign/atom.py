"""Atom feeds of IGN's download service, page by page, and what their entries say."""

import re
import time
from urllib.parse import urlencode, urljoin
from xml.etree import ElementTree

from urbancam.sources.download import fetching
from urbancam.sources.download.answers import Patience, without_user_info
from urbancam.workflow.errors import InputError

NAMESPACE = "{http://www.w3.org/2005/Atom}"
PAGE_ENTRIES = 50
PAGES_MOST = 1000
# Between two requests to the index, which refuses more (seen by several open clients).
INTERVAL_S = 1.0
MD5 = re.compile(r"\b[0-9a-fA-F]{32}\b")


def read_entries(url: str, patience: Patience) -> list[ElementTree.Element]:
    """The entries of all pages of a feed.

    Raises:
        InputError: A page cannot be had or read.
    """
    entries = []
    page = 1
    page_count = 1
    while page <= min(page_count, PAGES_MOST):
        separator = "&" if "?" in url else "?"
        query = urlencode({"page": page, "limit": PAGE_ENTRIES})
        feed = _read_feed(f"{url}{separator}{query}", patience)
        # A page past the last one is empty.
        page_entries = feed.findall(f"{NAMESPACE}entry")
        if not page_entries:
            break
        entries += page_entries
        page_count = _number(feed, "pagecount") or 1
        page += 1
    return entries


_last_request_s = 0.0  # of `time.monotonic`


def polite_get(url: str, patience: Patience) -> bytes:
    """One request to the index, not sooner than it likes."""
    global _last_request_s
    time.sleep(max(0.0, _last_request_s + INTERVAL_S - time.monotonic()))
    _last_request_s = time.monotonic()
    return fetching.get(url, patience=patience).content


def entry_title(entry: ElementTree.Element) -> str:
    """The title of an entry, empty where it has none."""
    return (entry.findtext(f"{NAMESPACE}title") or "").strip()


def entry_link(entry: ElementTree.Element, feed_url: str) -> str | None:
    """The address that an entry links to, None where it has none.

    Raises:
        InputError: What it links to is no address.
    """
    link = entry.find(f"{NAMESPACE}link")
    address = None if link is None else link.get("href")
    try:
        return urljoin(feed_url, address) if address else None
    except ValueError:  # brackets round what is no address of IPv6
        what = f"the feed links to what is no address: {without_user_info(address)!r}"
        where = without_user_info(feed_url)
        do = "fetch the pack by hand and put it into data/aerial_data/"
        raise InputError(what, where, do) from None


def entry_size_bytes(entry: ElementTree.Element) -> int | None:
    """The length of the linked file, None where the link does not say it."""
    return _number(entry.find(f"{NAMESPACE}link"), "length")


def entry_md5(entry: ElementTree.Element) -> str | None:
    """The MD5 of the linked file, None where the content is none."""
    content = entry.findtext(f"{NAMESPACE}content") or ""
    match = MD5.fullmatch(content.strip())
    return match[0].lower() if match else None


def _read_feed(url: str, patience: Patience) -> ElementTree.Element:
    """One page of a feed.

    Raises:
        InputError: It cannot be had, or is no Atom feed.
    """
    where = without_user_info(url)
    try:
        feed = ElementTree.fromstring(polite_get(url, patience))
    except ElementTree.ParseError as error:
        advice = "try again later, or fetch the packs by hand"
        raise InputError(f"the answer is no XML ({error})", where, advice) from None
    if feed.tag != f"{NAMESPACE}feed":
        what = f"the answer is no Atom feed but <{feed.tag}>"
        raise InputError(what, where, "look the address up")
    return feed


def _number(element: ElementTree.Element, attribute: str) -> int | None:
    """The first attribute of a name, in whatever namespace, if it is a number."""
    values = [
        value for name, value in element.attrib.items() if name.rpartition("}")[2] == attribute
    ]
    return int(values[0]) if values and values[0].isdigit() else None
