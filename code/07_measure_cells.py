"""Measure the cells: sets of features that baselines learn from, each a table by cell.

Of every cell with an image: its place, its population density, its land cover, the colours and
textures of its image, what networks see in it as they were pre-trained, and numbers of your own
(`baselines.tables`). No income is read. What another run has measured on the same things is taken
over.

Reads   results/<city>/cells.parquet, images.csv, images/, fragments.parquet; files that
        baselines.tables names
Writes  results/<city>/<run>/features/<name>.parquet, one for each set
Run     python code/07_measure_cells.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.files import open_parts
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request
from urbancam.workflow.settings import feature_sets

if TYPE_CHECKING:  # a script that only shows its help does not wait for them
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from urbancam.learning.features.of_images import Images
    from urbancam.workflow.settings.feature_sets import FeatureSet


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> list[Step]:
    paths = request.paths
    inputs = {
        feature_sets.POPULATION_DENSITY: [paths.cells],
        feature_sets.LAND_COVER: [paths.fragments],
        feature_sets.TABLE: [paths.cells],
    }
    return [
        request.step(
            2,
            paths.features(wanted.name),
            wanted.settings,
            [paths.images_table, *inputs.get(wanted.kind, [])],
            by_hand=brought_by_hand(wanted, request),
            feature_set=wanted,
            label=f"{request.city} {wanted.name}",
            may_be_copied=True,
        )
        for wanted in feature_sets.of_run(request.settings)
    ]


def brought_by_hand(wanted: "FeatureSet", request: Request) -> "list[Path]":
    """The user's table, or their weights of the run's own backbone."""
    model, weights = request.settings.model, request.settings.weights_file
    if wanted.kind == feature_sets.NETWORK and wanted.source == model.backbone and weights:
        return [weights]
    return [wanted.file] if wanted.kind == feature_sets.TABLE else []


def work(job: Job) -> Done:
    from urbancam.tables import frames

    images = frames.read(job.paths.images_table, ["idINSPIRE", "path"]).dropna(subset="path")
    ids = images["idINSPIRE"].reset_index(drop=True)
    features = MEASURES[job.feature_set.kind](job, ids)
    features.insert(0, "idINSPIRE", ids.to_numpy())
    frames.write(features, job.result)
    lacking = int(features.drop(columns="idINSPIRE").isna().all(axis=1).sum())
    counts = {"cells": len(ids), "features": features.shape[1] - 1, "cells without": lacking}
    return Done(counts, leftovers=[parts_folder(job)])


def measure_places(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_places

    return of_places.coordinates(ids)


def measure_density(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_places
    from urbancam.scoring.predictions import rows_of
    from urbancam.tables import frames, grid

    cells = frames.read(job.paths.cells, ["idINSPIRE", "ind"])
    people = rows_of(ids, cells, "cells.parquet")["ind"]
    return of_places.density_terms(people, grid.side_m(ids))


def measure_land_cover(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_places
    from urbancam.tables import frames, grid

    key = job.settings.landcover.key
    fragments = frames.read(job.paths.fragments, ["idINSPIRE", key, "area_m2"])
    shares = of_places.land_cover_shares(fragments, ids, key, grid.side_m(ids))
    return shares.reset_index(drop=True).rename(columns=str)


def measure_colours(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_images

    images, section = open_images(job, ids), job.settings.baselines
    return numbered(of_images.describe_colours(images, section, kept_at(job)))


def measure_textures(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_images
    from urbancam.learning.models import networks

    images, section, seed = open_images(job, ids), job.settings.baselines, job.settings.seed
    device = networks.find_device(job.device)
    return numbered(of_images.describe_textures(images, section, seed, device, kept_at(job)))


def measure_by_network(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_networks
    from urbancam.learning.models import networks
    from urbancam.learning.training import frozen

    settings, name = job.settings, job.feature_set.source
    network = of_networks.build(name, settings.model).to(networks.find_device(job.device))
    images = of_networks.fit_to(name, open_images(job, ids))
    return numbered(frozen.open_features(job.paths, network, images, settings.image, job.workers))


def read_file(job: Job, ids: "pd.Series") -> "pd.DataFrame":
    from urbancam.learning.features import of_files
    from urbancam.tables import frames

    table = of_files.read_features(job.feature_set.file, frames.read(job.paths.cells))
    return of_files.rows_for(ids, table, job.feature_set.source)


MEASURES = {
    feature_sets.COORDINATES: measure_places,
    feature_sets.POPULATION_DENSITY: measure_density,
    feature_sets.LAND_COVER: measure_land_cover,
    feature_sets.COLOUR_HISTOGRAM: measure_colours,
    feature_sets.RANDOM_FEATURES: measure_textures,
    feature_sets.NETWORK: measure_by_network,
    feature_sets.TABLE: read_file,
}


def open_images(job: Job, ids: "pd.Series") -> "Images":
    """The images of all cells with one, in the order of their ids."""
    from urbancam.learning.inputs import images

    stacked, _ = images.open_images(job.paths, ids, job.settings.image, job.workers)
    return stacked


def kept_at(job: Job) -> "Path":
    """Where rows are kept while they are measured."""
    return open_parts(parts_folder(job), job.fingerprint) / "rows.npy"


def parts_folder(job: Job) -> "Path":
    return job.result.with_suffix(".parts")


def numbered(features: "np.ndarray") -> "pd.DataFrame":
    """A table of features whose columns have no names: `f0, f1, ..`."""
    import pandas as pd

    return pd.DataFrame(features, columns=[f"f{number}" for number in range(features.shape[1])])


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
