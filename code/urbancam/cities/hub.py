"""The published images of the cities experiment from the Hugging Face hub."""

import sys
from pathlib import Path

from urbancam.cities.sites import IMAGE
from urbancam.sources.download.archives import is_archive, unpack
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import files_below

PATTERNS = ["*.jpg", "*.jpeg", "*.png", "*.tif", "*.tiff", "*.jp2", "*.zip", "*.csv"]


def fetch(
    dataset: str,
    revision: str,
    folder: Path,
    endpoint: str | None = None,
) -> None:
    """Fetch the images of a data set, and unpack its archives.

    Files already there in the asked revision are kept, begun ones gone on with. `HF_TOKEN` is the
    key to data sets that ask for one.

    Args:
        dataset: "<owner>/<name>".
        revision: Branch, tag or commit.
        folder: Where the files go, in the data set's own folders.
        endpoint: Address of another hub; None: what `HF_ENDPOINT` names, else the public one.

    Raises:
        InputError: No such data set or revision, no permission, or the hub does not answer.
    """
    from huggingface_hub import errors

    try:
        _download(dataset, revision, folder, endpoint)
    except errors.GatedRepoError:
        raise InputError(
            f"the data set {dataset} asks who you are",
            "cities.hub_dataset",
            "accept its terms on the hub, then set HF_TOKEN",
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise InputError(
            f"the hub has no data set {dataset} at {revision}, or not for you: "
            f"{_first_line(error)}",
            "cities.hub_dataset, cities.hub_revision",
            "check the names; HF_TOKEN for a private one",
        ) from None
    except (errors.HTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise InputError(
            f"the hub does not give the data set {dataset}: {_first_line(error)}",
            folder,
            "run the step again, it goes on where it stopped; or drop the images there yourself "
            "and use cities.source=files",
        ) from None
    _unpack_archives(folder)


def _download(
    dataset: str,
    revision: str,
    folder: Path,
    endpoint: str | None,
) -> None:
    import huggingface_hub
    from huggingface_hub.utils import disable_progress_bars

    if not sys.stderr.isatty():  # bars are for eyes alone
        disable_progress_bars()
    # Asked first: where the hub does not answer, snapshot_download takes a folder that holds
    # anything for whole.
    hub = huggingface_hub.HfApi(endpoint)
    commit = hub.repo_info(dataset, repo_type="dataset", revision=revision).sha
    huggingface_hub.snapshot_download(
        dataset,
        repo_type="dataset",
        revision=commit,
        local_dir=folder,
        allow_patterns=PATTERNS,
        endpoint=endpoint,
    )


def _unpack_archives(folder: Path) -> None:
    """Unpack the images of every archive, beside it."""
    for archive in files_below(folder, is_archive):
        unpack(archive, archive.parent, lambda name: bool(IMAGE.search(name)))


def _first_line(error: Exception) -> str:
    """The first line of an error's message, or the name of its kind where it has none."""
    message = str(error).strip()
    return message.splitlines()[0] if message else type(error).__name__
