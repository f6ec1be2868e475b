"""IGN's index of packs: which there is for a department, and the files it consists of.

The index (https://data.geopf.fr/telechargement/resource/BDORTHO) is paged; an entry names a
resource, and the resource's own feed, paged too, names its files with length (`gpf_dl:length`) and
MD5 (in `content`, or in a file `.md5` beside the volumes, which may be gone).
"""

import logging
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlencode

from urbancam.sources.download.answers import AbsentError, Patience, without_user_info
from urbancam.sources.ign import atom
from urbancam.sources.ign.campaigns import NOTHING_IN_PLACE, CampaignChoice, CampaignKey, Standing
from urbancam.sources.ign.links import RemoteFile
from urbancam.sources.ign.pack_names import campaign_in_words, parse_name
from urbancam.workflow.errors import InputError

log = logging.getLogger(__name__)

VOLUME = re.compile(r"\.7z(\.\d+)?$", re.IGNORECASE)


def packs_on_offer(
    index_url: str, department: str, patience: Patience = Patience()
) -> dict[str, str]:
    """The packs that the index has for a department, whatever they are.

    Args:
        index_url: Address of the index.
        department: Code of the department, as communes carry it.
        patience: How long to bear with the server.

    Returns:
        Address of each pack by its name.

    Raises:
        InputError: The index cannot be had or read.
    """
    addresses = {}
    # The index is asked for the department's entries only.
    feed_url = _feed_url(index_url, department)
    for entry in atom.read_entries(feed_url, patience):
        title = atom.entry_title(entry)
        name = parse_name(title)
        if name and name.department == department:
            addresses[title] = atom.entry_link(entry, feed_url) or f"{index_url}/{title}"
    return addresses


def choose_pack(
    titles: Iterable[str],
    department: str,
    choice: CampaignChoice,
    standing: Standing = NOTHING_IN_PLACE,
) -> str | None:
    """The pack of a department that is wanted, in colour.

    Args:
        titles: Names of the packs on offer.
        department: Code of the department.
        choice: Which campaigns are taken, and before which others.
        standing: What is in place. A campaign that is begun is gone on with before others of its
            pixel size; beside one that is whole only what goes before it is of use.

    Returns:
        Its name; of two packs of one campaign the one that is begun, else the one whose name sorts
        last. None where none suits.
    """
    names = {title: parse_name(title) for title in titles}
    in_colour = [name for name in names.values() if name and name.bands == "RVB"]
    campaigns = choice.ranked(department, in_colour)
    begun = [packs for packs in campaigns if CampaignKey.of(packs[0]) in standing.begun]
    if standing.whole:
        campaigns = [packs for packs in begun if choice.goes_before(packs[0], standing.whole)]
    if not campaigns:
        return None
    best = campaigns[0]
    best_begun = [packs for packs in begun if choice.is_as_fine(packs[0], best[0])]
    best = (best_begun or [best])[0]
    of_campaign = [title for title, name in names.items() if name in best]
    return max(of_campaign, key=lambda title: (title in standing.pack_names, title))


def list_files(resource_url: str, patience: Patience = Patience()) -> list[RemoteFile]:
    """The volumes of a pack, in order, with what the index says of them.

    Raises:
        InputError: The feed cannot be had or read, or names no archive.
    """
    volumes = {}
    sums_url = None
    for entry in atom.read_entries(resource_url, patience):
        url = atom.entry_link(entry, resource_url)
        if url is None:
            continue
        file = RemoteFile(url, atom.entry_size_bytes(entry), atom.entry_md5(entry))
        # A feed may name other files too, which are of no use here.
        if VOLUME.search(file.name):
            volumes[file.name] = file
        elif file.name.lower().endswith(".md5"):
            sums_url = url
    if not volumes:
        raise InputError(
            "the feed names no .7z archive",
            without_user_info(resource_url),
            "fetch the pack by hand and put it into data/aerial_data/",
        )

    # The sums in the feed go before those of a file beside the volumes.
    lacks_sums = not all(file.md5 for file in volumes.values())
    if sums_url and lacks_sums:
        sums = _read_sums(sums_url, len(volumes), patience)
        for name, file in volumes.items():
            md5 = file.md5 or sums.get(name) or sums.get("")
            volumes[name] = replace(file, md5=md5)
    return [volumes[name] for name in sorted(volumes)]


def _feed_url(index_url: str, department: str) -> str:
    return f"{index_url}?{urlencode({'zone': f'D{department:0>3}'})}"


def absent_pack(
    titles: Iterable[str],
    department: str,
    choice: CampaignChoice,
    index_url: str,
    standing: Standing = NOTHING_IN_PLACE,
) -> AbsentError:
    """The error that says which packs of the department the index has instead."""
    alternatives = ", ".join(sorted(titles)) or "nothing"
    if standing.whole:
        begun = ", ".join(sorted(map(campaign_in_words, standing.begun))) or "what is begun"
        return AbsentError(
            f"IGN's index has no pack to complete {begun}; it has {alternatives}",
            without_user_info(_feed_url(index_url, department)),
            f"go on with {campaign_in_words(standing.whole)}, which is whole",
        )
    return AbsentError(
        f"IGN's index has no RVB pack of department {department}"
        f"{choice.year_in_words(department)} with pixels of {choice.pixel_m:g} m or finer; "
        f"it has {alternatives}",
        without_user_info(_feed_url(index_url, department)),
        "choose imagery.year among them, take coarser pixels with imagery.coarser=true, "
        "put a pack into data/aerial_data/, or name one in aerial_links.txt",
    )


def _read_sums(url: str, file_count: int, patience: Patience) -> dict[str, str]:
    """MD5 by file name out of a `.md5` file; none where the file is gone.

    A lone sum without a name goes by "", which counts only for a pack of one file.
    """
    try:
        text = atom.polite_get(url, patience).decode("utf-8", errors="replace")
    except AbsentError:
        message = "%s is listed but gone; the archive's own checksums must do"
        log.info(message, without_user_info(url))
        return {}
    sums = {}
    for line in text.splitlines():
        match = atom.MD5.search(line)
        if match:
            # What is not the sum is the name, marked as text or binary by md5sum's signs.
            rest = line.replace(match[0], "").strip(" \t*=()")
            name = PurePosixPath(rest.replace("\\", "/")).name
            sums[name] = match[0].lower()
    if file_count > 1:
        sums.pop("", None)
    return sums
