"""What a network of the cities experiment says of patches: the city, and how surely.

And where it places each site: the mean of its patches in the space of the network's last features.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch

from urbancam.cities import colour
from urbancam.learning.inputs import datasets
from urbancam.learning.models import networks
from urbancam.learning.training import inference
from urbancam.scoring.bootstrap import block_sums, number_blocks
from urbancam.workflow.settings.sections import Image

KEYS = ["patch_id", "city", "site", "image", "acquisition"]


def evaluation_colour(trained_on: str) -> colour.Change | None:
    """How patches are changed before validation and test.

    A network of grey patches is always shown grey ones.
    """
    # ASSUME: jitter is an augmentation, so that a jittered training is validated and tested on
    # patches as they are.
    return colour.grey if trained_on == "grey" else None


def predict_patches(
    network: networks.Network,
    patches: pd.DataFrame,
    items: Callable[..., datasets.LabelledImages],
    names: list[str],
    fold: int,
    image: Image,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables `test_predictions.csv` and `site_embeddings.parquet` of a fold.

    Args:
        network: Trained network, on its device.
        patches: N tested patches with `KEYS`.
        items: `items(change)` gives their images, changed by a function of `colour.COLOUR` (None:
            as they are).
        names: Names of the K cities, in the order of the outputs.
        fold: Fold of the network.
        image: Section `cities.image`.
        workers: Number of processes that load images.

    Returns:
        `KEYS, fold, predicted_city, probability` (of that city), `probability_true,
        predicted_city_jitter, predicted_city_grey`; and `city, site, fold, n_patches,
        e0 .. e<channels - 1>`, means over a site's patches.
    """
    # The last layer is applied to the embeddings, so that patches pass the network once.
    embeddings = inference.predict(network, items(None), image, workers, network.embed)
    device = network.linear.weight.device
    with torch.inference_mode():
        out = network.linear(embeddings.to(device)).cpu()
    probabilities = torch.softmax(out.double(), dim=1).numpy()

    table = patches[KEYS].reset_index(drop=True)
    table["fold"] = fold
    classes = probabilities.argmax(axis=1)
    table["predicted_city"] = np.take(names, classes)
    table["probability"] = probabilities.max(axis=1)
    rows = np.arange(len(table))
    true_classes = pd.Index(names).get_indexer(patches["city"])
    table["probability_true"] = probabilities[rows, true_classes]

    # Controls: what the same network says where colour tells it less.
    for condition in ("jitter", "grey"):
        change = colour.COLOUR[condition]
        out = inference.predict(network, items(change), image, workers)
        classes = out.argmax(1).numpy()
        table[f"predicted_city_{condition}"] = np.take(names, classes)
    return table, mean_by_site(table, embeddings.numpy())


def mean_by_site(patches: pd.DataFrame, embeddings: np.ndarray) -> pd.DataFrame:
    """Mean embedding of each site: `city, site, fold, n_patches, e0, e1, ...`.

    Args:
        patches: `city, site, fold`, N rows.
        embeddings: (N, channels).
    """
    # Sites of equal name in two cities are two sites.
    names = patches["city"] + "/" + patches["site"].astype(str)
    numbers, n_sites = number_blocks(names)
    sites = patches[["city", "site", "fold"]].assign(number=numbers)
    sites = sites.drop_duplicates("number").sort_values("number")
    sites = sites.drop(columns="number").reset_index(drop=True)
    n_patches = np.bincount(numbers, minlength=n_sites)
    sites["n_patches"] = n_patches

    sums = block_sums(embeddings, numbers, n_sites)
    means = (sums / n_patches[:, None]).astype(np.float32)
    columns = [f"e{k}" for k in range(means.shape[1])]
    means = pd.DataFrame(means, columns=columns)
    return pd.concat([sites, means], axis=1)
