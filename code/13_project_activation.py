"""Compute each cell's activation maps with the model that never saw it, and sum them over its land cover.

Reads   results/<city>/images.csv, images/, fragments.parquet, results/<city>/<run>/samples.csv, fold_K/weights.pt
Writes  results/<city>/<run>/activation.parquet (a row per fragment), cell_activation.csv (a row per cell),
        maps/<idINSPIRE>.png (small signed map: 128 zero, 255 most rich, 1 most poor)
Run     python code/13_project_activation.py --city Demo --run demo
"""

import argparse
import logging
import shutil

from urbancam import command
from urbancam.records import Step, atomic

log = logging.getLogger(__name__)

BATCH = 32  # cells between two saves
THUMBNAIL_PX = 96


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    weights = {paths.weights(fold): "11_train_income" for fold in range(settings.split.folds)}
    return Step(
        "13_project_activation", 1, paths.activation, "run",
        settings.pick("image", "model", "activation", "split.folds"),
        {paths.samples: "10_assign_folds", paths.fragments: "06_cut_land_cover",
         paths.images_table: "05_cut_images"} | weights,
        outputs=[paths.cell_activation, paths.maps],
        label=args.city,
    )  # fmt: skip


def work(step, settings, paths, args) -> dict:
    from tqdm import tqdm

    from urbancam import datasets, models, tables

    samples = tables.read(paths.samples)
    samples = samples[samples["used"]].astype({"fold": int}).reset_index(drop=True)
    fragments = _read_fragments(paths, samples["idINSPIRE"])
    images, rows = datasets.open_images(paths, samples["idINSPIRE"], settings.image, args.workers)
    device = models.find_device(args.device)
    parts = _open_parts(paths, step.fingerprint)
    with tqdm(total=len(samples), unit="cell", desc="maps") as bar:
        for fold, members in samples.groupby("fold"):
            network = models.load(paths.weights(fold), settings.model).to(device)
            for start in range(0, len(members), BATCH):
                batch = members.iloc[start : start + BATCH]
                part = parts / f"fold_{fold}_{start:07d}.parquet"
                if not (part.exists() and part.with_suffix(".cells").exists()):
                    pixels = images[rows[batch.index]]
                    _project_batch(network, batch["idINSPIRE"], pixels, fragments, settings, paths.maps, part)
                bar.update(len(batch))
    table, cells = _join_parts(parts)
    _check_additivity(cells)
    tables.write(cells, paths.cell_activation)
    tables.write(table, paths.activation)
    shutil.rmtree(parts.parent)
    return {"cells": len(cells), "fragments": len(table), "flat cells": int(cells["flat"].sum()),
            "cells without land cover": int((cells["covered_share"] == 0).sum())}  # fmt: skip


def _read_fragments(paths, ids) -> dict:
    """`{idINSPIRE: rows of fragments.parquet}` of the wanted cells, geometry as shapely polygons."""
    import shapely

    from urbancam import tables

    table = tables.read(paths.fragments)
    table = table[table["idINSPIRE"].isin(ids)].sort_values(["idINSPIRE", "fragment_id"])
    table["geometry"] = shapely.from_wkb(table["geometry"])
    return dict(iter(table.groupby("idINSPIRE")))


def _project_batch(network, ids, pixels, fragments, settings, maps_folder, part) -> None:
    """Rows of the fragments and of the cells of one batch, and their small maps, saved."""
    import pandas as pd
    import torch

    from urbancam import activation, projection

    device = next(network.parameters()).device
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
    maps, *laid = activation.cell_maps(network, images, settings)
    poor, rich, contribution = (side.cpu().numpy() for side in laid)
    overlap = settings.model.head == "softmax"
    rows, cells = [], []
    for i, cell in enumerate(ids):
        labels, table = _label(cell, fragments.get(cell), settings.image.size_px)
        rows.append(projection.project_cell(table, labels, poor[i], rich[i], contribution[i], overlap))
        cells.append({
            "idINSPIRE": cell, "logit": float(maps.logit[i]), "bias": maps.bias,
            "contribution": rows[-1]["contribution"].sum(),
            "uncovered_contribution": float(contribution[i][labels == 0].sum(dtype=float)),
            "covered_share": float((labels > 0).mean()),
            "poor_sum": float(poor[i].sum(dtype=float)), "rich_sum": float(rich[i].sum(dtype=float)),
            "flat": bool(maps.flat[0][i] | maps.flat[1][i]),
        })  # fmt: skip
        _save_map(projection.signed_thumbnail(poor[i], rich[i], THUMBNAIL_PX), maps_folder / f"{cell}.png")
    with atomic(part.with_suffix(".cells")) as temporary:
        pd.DataFrame(cells).to_parquet(temporary, index=False)
    with atomic(part) as temporary:
        pd.concat([table for table in rows if len(table)] or rows, ignore_index=True).to_parquet(temporary, index=False)


def _label(cell: str, fragments, size_px: int):
    """(H, W) labels of a cell's fragments, and their rows; a cell without land cover has none."""
    import numpy as np
    import pandas as pd

    from urbancam import grid, urban_atlas

    if fragments is None:
        columns = ["fragment_id", "idINSPIRE", "class", "code", "area_m2"]
        return np.zeros((size_px, size_px), dtype=np.int32), pd.DataFrame(columns=columns)
    return urban_atlas.label_raster(fragments["geometry"].to_numpy(), grid.bounds(cell), size_px), fragments


def _save_map(picture, path) -> None:
    from PIL import Image

    with atomic(path) as temporary:
        Image.fromarray(picture).save(temporary)


def _open_parts(paths, fingerprint: str):
    """Folder of the finished batches; those of other settings or inputs go, with their maps."""
    parts = paths.run_folder / "activation.parts" / fingerprint
    if not parts.exists():
        shutil.rmtree(parts.parent, ignore_errors=True)
        shutil.rmtree(paths.maps, ignore_errors=True)
    parts.mkdir(parents=True, exist_ok=True)
    return parts


def _join_parts(parts):
    import pandas as pd

    files = sorted(parts.glob("fold_*.parquet"))  # not the hidden half of a killed write
    table = pd.concat([table for table in map(pd.read_parquet, files) if len(table)], ignore_index=True)
    cells = pd.concat([pd.read_parquet(file.with_suffix(".cells")) for file in files], ignore_index=True)
    return table, cells.sort_values("idINSPIRE", ignore_index=True)


def _check_additivity(cells) -> None:
    """Contributions of a cell's fragments, and of what no polygon covers, add up to its logit less the bias."""
    error = (cells["contribution"] + cells["uncovered_contribution"] - (cells["logit"] - cells["bias"])).abs().max()
    spread = cells["logit"].max() - cells["logit"].min()
    assert error <= 1e-5 * max(spread, 1.0), f"contributions miss the logit by {error:.2g}"
    log.info("contributions add up to the logit within %.1e", error)


def main(argv: list[str] | None = None) -> int:
    return command.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
