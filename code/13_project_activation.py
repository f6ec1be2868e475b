"""Compute each cell's activation maps with the model that never saw it, and sum them over its land cover.

Reads   results/<city>/images.csv, images/, fragments.parquet, results/<city>/<run>/samples.csv, fold_K/weights.pt
Writes  results/<city>/<run>/activation.parquet (a row per fragment), cell_activation.csv (a row per cell),
        maps/<idINSPIRE>.png (small signed map: 128 zero, 255 most rich, 1 most poor)
Run     python code/13_project_activation.py --city Demo --run demo
"""

import argparse
import logging
import shutil

from urbancam.workflow import arguments, errors, runner
from urbancam.workflow.files import atomic, open_parts
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

THUMBNAIL_PX = 96


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True, variant=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    weights = {paths.weights(fold): "11_train_income" for fold in range(settings.folds_trained)}
    return Step(
        "13_project_activation",
        1,
        paths.activation,
        "run",
        settings.pick("image", "model", "activation", "split.folds", "split.trained_folds"),
        {
            paths.samples: "10_assign_folds",
            paths.fragments: "06_cut_land_cover",
            paths.images_table: "05_cut_images",
        }
        | weights,
        outputs=[paths.cell_activation, paths.maps],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from tqdm import tqdm

    from urbancam.explaining import activation
    from urbancam.learning import networks
    from urbancam.learning.images import open_images
    from urbancam.sources.urban_atlas.fragments import by_cell
    from urbancam.tables import frames

    samples = frames.read(paths.samples)
    samples = samples[samples["used"] & (samples["fold"] < settings.folds_trained)]
    samples = samples.astype({"fold": int}).reset_index(drop=True)
    fragments = by_cell(frames.read(paths.fragments), samples["idINSPIRE"])
    images, rows = open_images(paths, samples["idINSPIRE"], settings.image, args.workers)
    device = networks.find_device(args.device)
    parts = _open_parts(paths, step.fingerprint)
    step.afterwards = lambda: shutil.rmtree(parts.parent)
    size = activation.cells_at_once(settings.image.size_px)
    with tqdm(total=len(samples), unit="cell", desc="maps") as bar:
        for fold, members in samples.groupby("fold"):
            network = networks.load(paths.weights(fold), settings.model).to(device)
            for start in range(0, len(members), size):
                batch = members.iloc[start : start + size]
                part = parts / f"fold_{fold}_{start:07d}.parquet"
                if not (part.exists() and part.with_suffix(".cells").exists()):
                    maps = activation.map_cells(network, images[rows[batch.index]], settings)
                    _project_batch(batch["idINSPIRE"], maps, fragments, settings, paths.maps, part)
                bar.update(len(batch))
    table, cells = _join_parts(parts, paths)
    _check_additivity(cells)
    frames.write(cells, paths.cell_activation)
    frames.write(table, paths.activation)
    return {
        "cells": len(cells),
        "fragments": len(table),
        "flat cells": int(cells["flat"].sum()),
        "cells without land cover": int((cells["covered_share"] == 0).sum()),
    }


def _project_batch(ids, maps, fragments, settings, maps_folder, part) -> None:
    """Rows of the fragments and of the cells of one batch, and their small maps, saved."""
    import pandas as pd
    from PIL import Image

    from urbancam.explaining import projection
    from urbancam.sources.urban_atlas.fragments import label_raster
    from urbancam.tables import grid

    rows, cells = [], []
    for cell, cell_maps in zip(ids, maps, strict=True):
        held = fragments[cell]
        labels = label_raster(
            held["geometry"].to_numpy(), grid.bounds(cell), settings.image.size_px
        )
        overlap = settings.model.head == "softmax"
        rows.append(projection.project_cell(held, labels, cell_maps, overlap))
        cells.append({"idINSPIRE": cell} | projection.describe_cell(labels, cell_maps))
        with atomic(maps_folder / f"{cell}.png") as temporary:
            picture = projection.signed_thumbnail(cell_maps.poor, cell_maps.rich, THUMBNAIL_PX)
            Image.fromarray(picture).save(temporary)
    with atomic(part.with_suffix(".cells")) as temporary:
        pd.DataFrame(cells).to_parquet(temporary, index=False)
    with atomic(part) as temporary:
        pd.concat([table for table in rows if len(table)] or rows, ignore_index=True).to_parquet(
            temporary, index=False
        )


def _open_parts(paths, fingerprint: str):
    """Folder of the finished batches; those of other settings or inputs go, with their maps."""
    folder = paths.run_folder / "activation.parts"
    if not (folder / fingerprint).exists():
        shutil.rmtree(paths.maps, ignore_errors=True)
    return open_parts(folder, fingerprint)


def _join_parts(parts, paths):
    """The rows of all fragments and of all cells; the parts stay until the record stands."""
    import pandas as pd

    from urbancam.tables import geoframes

    files = sorted(parts.glob("fold_*.parquet"))  # not the hidden half of a killed write
    with geoframes.damage_named(parts, "delete that folder and run this step again"):
        filled = [table for table in map(pd.read_parquet, files) if len(table)]
        cells = pd.concat(
            [pd.read_parquet(file.with_suffix(".cells")) for file in files], ignore_index=True
        )
    if not filled:
        raise errors.InputError(
            "no used cell holds any land cover",
            paths.fragments,
            "see what 02 and 06 say: is this the city's Urban Atlas?",
        )
    return pd.concat(filled, ignore_index=True), cells.sort_values("idINSPIRE", ignore_index=True)


def _check_additivity(cells) -> None:
    """Contributions of a cell's fragments, and of what no polygon covers, add up to its logit less the bias."""
    total = cells["contribution"] + cells["uncovered_contribution"]
    error = (total - (cells["logit"] - cells["bias"])).abs().max()
    spread = cells["logit"].max() - cells["logit"].min()
    assert error <= 1e-5 * max(spread, 1.0), f"contributions miss the logit by {error:.2g}"
    log.info("contributions add up to the logit within %.1e", error)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
