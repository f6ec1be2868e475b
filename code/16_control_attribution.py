"""Ask what an activation ratio is worth: other attribution methods, controls without signal, deletion curves.

Reads   results/<city>/images.csv, images/, fragments.parquet
        results/<city>/<run>/samples.csv, predictions.csv, fold_K/weights.pt
        results/<city>/<run>/variants/shuffled-labels/activation.parquet (with compare.shuffled_labels)
Writes  results/<city>/<run>/tables/: attribution_controls.csv, attribution_agreement.csv, deletion.csv,
        deletion_area.csv
Run     python code/16_control_attribution.py --city Demo --run demo
"""

import argparse
import logging
import shutil

from urbancam.workflow import arguments, runner, variants
from urbancam.workflow.files import atomic, open_parts
from urbancam.workflow.records import Step

log = logging.getLogger("urbancam")

FRAGMENT = ["fragment_id", "idINSPIRE", "class", "code", "area_m2"]
KINDS = ("curves", "correlations", "shares")  # of the files of a part; the last one closes it


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, city=True).parse_args(argv)


def declare(settings, paths, args) -> Step:
    inputs = {paths.weights(fold): "11_train_income" for fold in range(settings.folds_trained)}
    if settings.compare.shuffled_labels:
        inputs[paths.of_variant(variants.SHUFFLED).activation] = "13_project_activation"
    others = ("attribution_agreement", "deletion", "deletion_area")
    return Step(
        "16_control_attribution",
        1,
        paths.table("attribution_controls"),
        "run",
        settings.pick(
            "controls",
            "compare.shuffled_labels",
            "image",
            "model",
            "activation",
            "landcover",
            "statistics",
            "seed",
            "split.folds",
            "split.trained_folds",
            "census.cell_size_m",
        ),
        {
            paths.samples: "10_assign_folds",
            paths.predictions: "12_evaluate_income",
            paths.fragments: "06_cut_land_cover",
            paths.images_table: "05_cut_images",
        }
        | inputs,
        outputs=[paths.table(name) for name in others],
        label=args.city,
    )


def work(step, settings, paths, args) -> dict:
    from urbancam.explaining import agreement, deletion_curves
    from urbancam.explaining.landcover.city import LandCover
    from urbancam.sources.urban_atlas import classes
    from urbancam.tables import frames

    predictions = frames.read(paths.predictions)
    blocks = frames.read(paths.samples).set_index("idINSPIRE")["block"]
    cells = agreement.draw_cells(
        predictions, settings.landcover, settings.controls.cells, settings.seed
    )
    log.info(
        "examines %s of %s cells: %s predicted poor, %s rich",
        f"{len(cells):,}",
        f"{len(predictions):,}",
        f"{(~cells['rich']).sum():,}",
        f"{cells['rich'].sum():,}",
    )
    parts = open_parts(paths.run_folder / "controls.parts", step.fingerprint)
    step.afterwards = lambda: shutil.rmtree(parts.parent)
    curves, correlations, shares = _examine(cells, parts, settings, paths, args)
    if settings.compare.shuffled_labels:
        trained = frames.read(paths.of_variant(variants.SHUFFLED).activation)
        shares = agreement.add_shares(shares, "shuffled_labels", trained)
    names = classes.class_names(settings.landcover.key)

    def city(activation) -> LandCover:
        return LandCover(
            activation,
            cells,
            blocks,
            names,
            settings.census.cell_size_m**2,
            settings.landcover,
            settings.statistics,
            settings.seed,
        )

    controls, agreed = agreement.compare(
        shares, correlations, cells, city, settings.controls.methods
    )
    deleted, area = deletion_curves.deletion_tables(
        curves, blocks, settings.statistics, settings.seed
    )
    frames.write(agreed, paths.table("attribution_agreement"))
    frames.write(deleted, paths.table("deletion"))
    frames.write(area, paths.table("deletion_area"))
    frames.write(controls, paths.table("attribution_controls"))
    return {
        "cells": len(cells),
        "maps": controls["control"].nunique(),
        "classes": controls["class"].nunique(),
        "cells deleted": curves["idINSPIRE"].nunique(),
    }


def _examine(cells, parts, settings, paths, args) -> tuple:
    """Curves, correlations and shares of all the cells; finished groups are not done again."""
    import numpy as np
    import pandas as pd
    from tqdm import tqdm

    from urbancam.explaining import agreement
    from urbancam.explaining.attribution import groups
    from urbancam.explaining.attribution.findings import Findings
    from urbancam.learning import networks
    from urbancam.learning.images import open_images
    from urbancam.sources.urban_atlas.fragments import by_cell
    from urbancam.tables import frames, geoframes

    fragments = by_cell(frames.read(paths.fragments), cells["idINSPIRE"])
    images, rows = open_images(paths, cells["idINSPIRE"], settings.image, args.workers)
    random = np.random.default_rng(settings.seed)
    calibration = images[np.sort(random.permutation(rows)[: groups.CALIBRATION_IMAGES])]
    deleted = agreement.draw_cells(
        cells, settings.landcover, settings.controls.deletion_cells, settings.seed
    )
    device, files = networks.find_device(args.device), []
    with tqdm(total=len(cells), unit="cell", desc="controls") as bar:
        for fold, members in cells.groupby("fold"):
            network = networks.load(paths.weights(fold), settings.model).to(device)
            for number, places in enumerate(
                np.array_split(np.arange(len(members)), groups.count(len(members)))
            ):
                chosen = members.iloc[places]
                files.append([parts / f"fold_{fold}_{number:05d}_{kind}.parquet" for kind in KINDS])
                if not files[-1][-1].exists():
                    group = _group(
                        chosen,
                        images[rows[chosen.index]],
                        fragments,
                        deleted,
                        settings,
                        int(fold),
                        number,
                    )
                    found = groups.examine(group, network, calibration, settings)
                    held = pd.concat(
                        [fragments[cell][FRAGMENT] for cell in group.ids], ignore_index=True
                    )
                    _save(found.frames(held), files[-1])
                bar.update(len(chosen))
    if not files:
        log.info("no cell is predicted poor or rich: the tables stay empty")
        return Findings().frames(pd.DataFrame(columns=FRAGMENT))
    with geoframes.damage_named(parts, "delete that folder and run this step again"):
        return tuple(
            pd.concat(map(pd.read_parquet, kind), ignore_index=True)
            for kind in zip(*files, strict=True)
        )


def _group(chosen, images, fragments, deleted, settings, fold: int, number: int):
    from urbancam.explaining.attribution.groups import Group
    from urbancam.sources.urban_atlas.fragments import label_raster
    from urbancam.tables import grid

    ids = chosen["idINSPIRE"].to_numpy()
    labels = [
        label_raster(
            fragments[cell]["geometry"].to_numpy(), grid.bounds(cell), settings.image.size_px
        )
        for cell in ids
    ]
    return Group(
        ids,
        images,
        labels,
        [len(fragments[cell]) for cell in ids],
        chosen["rich"].to_numpy(),
        chosen["idINSPIRE"].isin(deleted["idINSPIRE"]).to_numpy(),
        [settings.seed, fold, number],
    )


def _save(parts, files) -> None:
    for frame, file in zip(parts, files, strict=True):
        with atomic(file) as temporary:
            frame.to_parquet(temporary, index=False)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
