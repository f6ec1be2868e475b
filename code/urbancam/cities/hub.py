"""The published images of the cities experiment from the Hugging Face hub."""

from pathlib import Path

from urbancam.cities.sites import IMAGE
from urbancam.sources.download.archives import is_archive, unpack
from urbancam.workflow.errors import InputError

WANTED = ["*.jpg", "*.jpeg", "*.png", "*.tif", "*.tiff", "*.jp2", "*.zip", "*.csv"]


def fetch(dataset: str, revision: str, folder: Path, endpoint: str | None = None) -> None:
    """Fetch a data set of images; files already there in the asked revision are kept, begun ones gone on with.

    `HF_TOKEN` is the key to data sets that ask for one.

    Args:
        dataset: "<owner>/<name>".
        revision: branch, tag or commit.
        folder: where the files go, in the data set's own folders.
        endpoint: address of another hub; None: what `HF_ENDPOINT` names, else the public one.

    Raises:
        InputError: no such data set or revision, no permission, or the hub does not answer.
    """
    import huggingface_hub
    from huggingface_hub import errors

    try:
        # Asked first: where the hub does not answer, snapshot_download takes a folder that holds anything for whole.
        commit = (
            huggingface_hub.HfApi(endpoint)
            .repo_info(dataset, repo_type="dataset", revision=revision)
            .sha
        )
        huggingface_hub.snapshot_download(
            dataset,
            repo_type="dataset",
            revision=commit,
            local_dir=folder,
            allow_patterns=WANTED,
            endpoint=endpoint,
        )
    except errors.GatedRepoError:
        raise InputError(
            f"the data set {dataset} asks who you are",
            "cities.hub_dataset",
            "accept its terms on the hub, then set HF_TOKEN",
        ) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise InputError(
            f"the hub has no data set {dataset} at {revision}, or not for you: {_first_line(error)}",
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
    for archive in sorted(
        path for path in folder.rglob("*") if path.is_file() and is_archive(path)
    ):
        unpack(archive, archive.parent, lambda name: bool(IMAGE.search(name)))


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
