"""What a network of the cities experiment says of patches: the city, how surely, and where it places each site."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from urbancam.cities import colour
from urbancam.learning import datasets, inference, networks
from urbancam.learning.recipe import Recipe
from urbancam.scoring.bootstrap import block_sums, number_blocks

KEYS = ["patch_id", "city", "site", "image", "acquisition"]


def seen_colour(trained_on: str) -> colour.Change | None:
    """How patches are changed before validation and test: a network of grey patches is always shown grey ones."""
    # ASSUME: jitter is an augmentation, so that a jittered training is validated and tested on patches as they are.
    return colour.grey if trained_on == "grey" else None


def predict_patches(
    network: networks.Network,
    patches: pd.DataFrame,
    items: Callable[..., datasets.LabelledImages],
    names: list[str],
    fold: int,
    settings: Recipe,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `test_predictions.csv` and `site_embeddings.parquet` of a fold.

    Args:
        network: trained, on its device.
        patches: N tested patches with `KEYS`.
        items: `items(change)` gives their images, changed by a function of `colour.COLOUR` (None: as they are).
        names: of the K cities, in the order of the outputs.
        fold: whose network it is.
        settings: section `cities`.
        workers: processes that load images.

    Returns:
        `KEYS, fold, predicted_city, probability` (of that city), `probability_true, predicted_city_jitter,
        predicted_city_grey`; and `city, site, fold, n_patches, e0 .. e<channels - 1>`, means over a site's patches.
    """
    embeddings = inference.predict(network, items(None), settings, workers, network.embed)
    with torch.inference_mode():
        out = network.linear(embeddings.to(network.linear.weight.device)).cpu()
    probabilities = torch.softmax(out.double(), dim=1).numpy()
    truth = pd.Index(names).get_indexer(patches["city"])
    table = patches[KEYS].reset_index(drop=True).assign(fold=fold)
    table["predicted_city"] = np.take(names, probabilities.argmax(axis=1))
    table["probability"] = probabilities.max(axis=1)
    table["probability_true"] = probabilities[np.arange(len(table)), truth]
    for condition in ("jitter", "grey"):
        out = inference.predict(network, items(colour.COLOUR[condition]), settings, workers)
        table[f"predicted_city_{condition}"] = np.take(names, out.argmax(1).numpy())
    return table, mean_by_site(table, embeddings.numpy())


def mean_by_site(patches: pd.DataFrame, embeddings: np.ndarray) -> pd.DataFrame:
    """Mean embedding of each site: `city, site, fold, n_patches, e0, e1, ...`.

    Args:
        patches: `city, site, fold`, N rows.
        embeddings: (N, channels).
    """
    numbers, count = number_blocks(patches["city"] + "/" + patches["site"].astype(str))
    sites = (
        patches[["city", "site", "fold"]]
        .assign(number=numbers)
        .drop_duplicates("number")
        .sort_values("number")
    )
    sizes = np.bincount(numbers, minlength=count)
    means = (block_sums(embeddings, numbers, count) / sizes[:, None]).astype(np.float32)
    columns = [f"e{k}" for k in range(means.shape[1])]
    sites = sites.drop(columns="number").assign(n_patches=sizes).reset_index(drop=True)
    return pd.concat([sites, pd.DataFrame(means, columns=columns)], axis=1)
