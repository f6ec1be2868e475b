"""All methods and controls over the drawn cells of a city: group by group, gone on with after a
kill."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from urbancam.explaining import agreement
from urbancam.explaining.attribution import groups
from urbancam.explaining.attribution.findings import Findings
from urbancam.explaining.attribution.twins import find_twins
from urbancam.explaining.projection import LabelledPixels
from urbancam.learning.inputs.images import open_images
from urbancam.learning.models import networks
from urbancam.sources.landcover.fragments import FragmentsOfCells, label_raster
from urbancam.tables import frames, geoframes, grid
from urbancam.workflow import progress
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import Paths
from urbancam.workflow.settings.settings import Settings

log = logging.getLogger(__name__)

FRAGMENT_COLUMNS = ["fragment_id", "idINSPIRE", "class", "code", "area_m2"]
KINDS = (
    "curves",
    "correlations",
    "shifts",
    "shares",
)  # of the files of a group; the last one closes it

Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]


def examine_city(
    cells: pd.DataFrame, paths: Paths, settings: Settings, parts: Path, device: str, workers: int
) -> Tables:
    """Curves, correlations, shifts and shares of all cells; groups that are there are not examined
    again.

    Args:
        cells: Drawn cells: `idINSPIRE, fold, rich`, as `agreement.draw_cells` gives them.
        paths: Paths of the city and run.
        settings: Settings of the run.
        parts: Folder of the finished groups.
        device: "auto", "cpu" or "cuda".
        workers: Threads that decode images, where the cache has to be filled.
    """
    fragments = FragmentsOfCells(frames.read(paths.fragments), cells["idINSPIRE"])
    images, rows = open_images(paths, cells["idINSPIRE"], settings.image, workers)
    random = np.random.default_rng(settings.seed)
    calibration_rows = np.sort(random.permutation(rows)[: groups.CALIBRATION_IMAGES])
    calibration = images[calibration_rows]
    with_curves = agreement.draw_cells(
        cells, settings.landcover, settings.controls.deletion_cells, settings.seed
    )
    target_device = networks.find_device(device)
    files = []
    with progress.bar(total=len(cells), unit="cell", desc="controls") as bar:
        for fold, members in cells.groupby("fold"):
            network = networks.load(paths.weights(fold), settings.model).to(target_device)
            for number, group_cells in enumerate(_divide(members)):
                group_files = [parts / f"fold_{fold}_{number:05d}_{kind}.parquet" for kind in KINDS]
                files.append(group_files)
                if not group_files[-1].exists():
                    group = _make_group(
                        group_cells,
                        images[rows[group_cells.index]],
                        fragments,
                        with_curves["idINSPIRE"],
                        settings.landcover.key,
                        [settings.seed, int(fold), number],
                    )
                    findings = groups.examine(group, network, calibration, settings)
                    _save(findings.frames(_fragments_of(group.ids, fragments)), group_files)
                bar.update(len(group_cells))
    if not files:
        log.info("no cell is predicted poor or rich: the tables stay empty")
        return Findings().frames(pd.DataFrame(columns=FRAGMENT_COLUMNS))
    return _join(files, parts)


def _divide(members: pd.DataFrame) -> list[pd.DataFrame]:
    """The cells of a fold in groups of nearly equal size."""
    places = np.array_split(np.arange(len(members)), groups.group_count(len(members)))
    return [members.iloc[group_places] for group_places in places]


def _make_group(
    cells: pd.DataFrame,
    images: np.ndarray,
    fragments: FragmentsOfCells,
    with_curves: pd.Series,
    key: str,
    seed: list[int],
) -> groups.Group:
    ids = cells["idINSPIRE"].to_numpy()
    image_px = images.shape[1]
    labels = [
        label_raster(fragments[cell]["geometry"].to_numpy(), grid.bounds(cell), image_px)
        for cell in ids
    ]
    return groups.Group(
        ids,
        images,
        [
            LabelledPixels.group(of_cell, len(fragments[cell]))
            for cell, of_cell in zip(ids, labels, strict=True)
        ],
        [
            np.concatenate([[0], pd.factorize(fragments[cell][key])[0] + 1])[of_cell]
            for cell, of_cell in zip(ids, labels, strict=True)
        ],
        cells["rich"].to_numpy(),
        cells["idINSPIRE"].isin(with_curves).to_numpy(),
        seed,
        find_twins(_composition(cells["idINSPIRE"], fragments, key), cells["rich"].to_numpy()),
    )


def _composition(ids: pd.Series, fragments: FragmentsOfCells, key: str) -> np.ndarray:
    """(N, U) share of each class in the covered area of each cell."""
    rows = pd.concat([fragments[cell] for cell in ids])
    area_m2 = rows.pivot_table("area_m2", "idINSPIRE", key, "sum", fill_value=0.0)
    share = area_m2.div(area_m2.sum(axis=1), axis=0)
    return share.reindex(ids, fill_value=0.0).to_numpy()


def _fragments_of(ids: np.ndarray, fragments: FragmentsOfCells) -> pd.DataFrame:
    tables = [fragments[cell][FRAGMENT_COLUMNS] for cell in ids]
    return pd.concat(tables, ignore_index=True)


def _save(tables: Tables, files: list[Path]) -> None:
    for table, file in zip(tables, files, strict=True):
        with atomic(file) as temporary:
            table.to_parquet(temporary, index=False)


def _join(files: list[list[Path]], parts: Path) -> Tables:
    """The tables of all groups, one below the other, by kind."""
    with geoframes.naming_damage(parts, "delete that folder and run this step again"):
        return tuple(
            pd.concat(map(pd.read_parquet, of_kind), ignore_index=True)
            for of_kind in zip(*files, strict=True)
        )
