"""Activation maps of all cells of a city, laid on its land cover: batch by batch, gone on with
after a kill.

Each batch leaves three files in the folder of parts: rows of fragments, of cells, and of moments of
the places within cells; the whole tables are joined from them at the end.
"""

import logging
import math
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from urbancam.explaining import pixel_maps, projection
from urbancam.explaining.local_moments import cell_moments, square_contributions
from urbancam.explaining.merged_norms import merge_norms
from urbancam.learning.inputs.images import open_images
from urbancam.learning.models import backbones, networks
from urbancam.sources.landcover.fragments import FragmentsOfCells, label_raster
from urbancam.tables import frames, geoframes, grid
from urbancam.workflow import progress
from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.settings import Settings

log = logging.getLogger(__name__)

THUMBNAIL_PX = 96  # side of the small signed map of a cell
SQUARES = "squares"  # column of the parts: contributions of a cell's squares
ADDITIVITY_TOLERANCE = 1e-5  # of the spread of the logits, at least of one logit unit


def project_city(
    paths: Paths, samples: pd.DataFrame, settings: Settings, parts: Path, device: str, workers: int
) -> None:
    """Write the rows of all cells, and their small maps; batches that are there are not done again.

    Args:
        paths: Paths of the city and run.
        samples: `idINSPIRE, fold` of the cells, each mapped by the model of its fold, which never
            saw it.
        settings: Settings of the run.
        parts: Folder of the batches.
        device: "auto", "cpu" or "cuda".
        workers: Threads that decode images, where the cache has to be filled.
    """
    fragments = FragmentsOfCells(frames.read(paths.fragments), samples["idINSPIRE"])
    images, rows = open_images(paths, samples["idINSPIRE"], settings.image, workers)
    batch_size = pixel_maps.cells_at_once(settings.image.size_px)
    target_device = networks.find_device(device)
    target_layer = backbones.find_backbone(settings.model.backbone).target_layer
    with progress.bar(total=len(samples), unit="cell", desc="maps") as bar:
        for fold, members in samples.groupby("fold"):
            trained = networks.load(paths.weights(fold), settings.model).to(target_device)
            network = merge_norms(trained, target_layer)
            for start in range(0, len(members), batch_size):
                batch = members.iloc[start : start + batch_size]
                part = parts / f"fold_{fold}_{start:07d}.parquet"
                if not all(file.exists() for file in _files(part)):
                    maps = pixel_maps.map_cells(network, images[rows[batch.index]], settings)
                    _project_batch(batch["idINSPIRE"], maps, fragments, settings, paths.maps, part)
                bar.update(len(batch))


def _files(part: Path) -> tuple[Path, Path, Path]:
    """Where the rows of the fragments, of the cells, and of the moments of a batch stand."""
    return part, part.with_suffix(".cells"), part.with_suffix(".moments")


def _project_batch(
    ids: pd.Series,
    maps: list[projection.CellMaps],
    fragments: FragmentsOfCells,
    settings: Settings,
    maps_folder: Path,
    part: Path,
) -> None:
    """Save the rows of the fragments and of the cells of one batch, and their small maps."""
    overlap = settings.model.head == "softmax"
    fragment_rows, cell_rows, moment_rows = [], [], []
    for cell, cell_maps in zip(ids, maps, strict=True):
        own = fragments[cell]
        polygons = own["geometry"].to_numpy()
        labels = label_raster(polygons, grid.bounds(cell), settings.image.size_px)
        fragment_rows.append(projection.project_cell(own, labels, cell_maps, overlap))
        squares = square_contributions(cell_maps).astype(np.float32).ravel()
        described = projection.describe_cell(labels, cell_maps)
        cell_rows.append({"idINSPIRE": cell, SQUARES: squares} | described)
        codes = own["code"].to_numpy()
        moment_rows.append(cell_moments(labels, codes, cell_maps).assign(idINSPIRE=cell))
        _write_thumbnail(cell_maps, maps_folder / f"{cell}.png")
    tables = _concat_filled(fragment_rows), pd.DataFrame(cell_rows), pd.concat(moment_rows)
    for table, file in zip(tables, _files(part), strict=True):
        with atomic(file) as temporary:
            table.to_parquet(temporary, index=False)


def _write_thumbnail(maps: projection.CellMaps, path: Path) -> None:
    picture = projection.signed_thumbnail(maps.poor, maps.rich, THUMBNAIL_PX)
    with atomic(path) as temporary:
        Image.fromarray(picture).save(temporary)


def _concat_filled(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables that have rows, one below the other.

    Where none has, an empty one with the columns.
    """
    filled = [table for table in tables if len(table)]
    return pd.concat(filled or tables, ignore_index=True)


def join_parts(
    parts: Path, fragments_path: Path
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, np.ndarray]:
    """The rows of all fragments, of all cells, and of the moments of all cells; and (cells, k, k)
    contributions of the cells' squares, row 0 = north, logit units of a whole cell.

    Args:
        parts: Folder of the batches.
        fragments_path: File of the city's fragments, for the message.

    Raises:
        InputError: A batch is damaged, or no cell holds any land cover.
    """
    files = sorted(parts.glob("fold_*.parquet"))  # not the hidden half of a killed write
    with geoframes.naming_damage(parts, "delete that folder and run this step again"):
        tables = [table for table in map(pd.read_parquet, files) if len(table)]
        cells = pd.concat([pd.read_parquet(_files(part)[1]) for part in files], ignore_index=True)
        ids = pd.CategoricalDtype(cells["idINSPIRE"])
        moment_tables = [
            pd.read_parquet(_files(part)[2]).astype({"idINSPIRE": ids}) for part in files
        ]
        moments = pd.concat(moment_tables, ignore_index=True)
    if not tables:
        raise InputError(
            "no used cell holds any land cover",
            fragments_path,
            "see what 02 and 06 say: is this the city's land cover?",
        )
    by_id = cells.sort_values("idINSPIRE", ignore_index=True)
    in_order = moments[["idINSPIRE", "width", "code", "other", "value"]]
    squares = np.stack(by_id.pop(SQUARES).to_numpy())
    count = math.isqrt(squares.shape[1])
    return pd.concat(tables, ignore_index=True), by_id, in_order, squares.reshape(-1, count, count)


def check_additivity(cells: pd.DataFrame) -> None:
    """Contributions of a cell's fragments, and of what no polygon covers, add up to its logit
    less the bias."""
    total = cells["contribution"] + cells["uncovered_contribution"]
    error = np.abs(total - (cells["logit"] - cells["bias"])).max()
    spread = cells["logit"].max() - cells["logit"].min()
    tolerance = ADDITIVITY_TOLERANCE * max(spread, 1.0)
    assert error <= tolerance, f"contributions miss the logit by {error:.2g}"
    log.info("contributions add up to the logit within %.1e", error)
