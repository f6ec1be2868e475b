"""Map by what the networks name each city: Relevance-CAM of test patches at every depth, and over their land cover.

Reads   results/cities/<run>/sites.csv, patches.parquet, fold_K/weights.pt; the images;
        results/<City>/land_cover.parquet of the cities whose sites were cut from their tiles
Writes  results/cities/<run>/relevance/<City>/: of each drawn patch and layer <n>_<patch>_<layer>_heat.png,
        ..._overlay.png, ..._masked.png; sheet_1.png and .pdf, ...: ten patches each
        tables/relevance.csv, relevance_by_class.csv; relevance_fragments.parquet (a row per layer and fragment)
Run     python code/25_map_relevance.py --run demo
"""

import argparse
import csv
import logging
import shutil

from urbancam.workflow import arguments, runner
from urbancam.workflow.files import atomic, open_parts
from urbancam.workflow.paths import folder_name, folder_name_among
from urbancam.workflow.records import Step

log = logging.getLogger(__name__)

ROWS_A_SHEET = 10  # patches; as many as a page is high
KEYS = ("image", "model", "colour", "patch_px", "trained_folds", "relevance")  # of section `cities`


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__, experiment="cities").parse_args(argv)


def declare(settings, paths, args) -> Step:
    weights = {
        paths.weights(fold): "23_train_cities" for fold in range(settings.cities.folds_trained)
    }
    covers = dict.fromkeys(land_covers(paths).values(), "02_import_urban_atlas")
    return Step(
        "25_map_relevance",
        1,
        paths.table("relevance"),
        "run",
        settings.pick("statistics", "landcover.key", "seed", *(f"cities.{key}" for key in KEYS)),
        {paths.patches: "22_index_patches", paths.sites: "21_import_sites"} | weights | covers,
        outputs=[paths.relevance, paths.relevance_fragments, paths.table("relevance_by_class")],
    )


def land_covers(paths) -> dict:
    """City -> its land cover, of the cities whose sites have coordinates and whose Urban Atlas was imported."""
    if not paths.sites.is_file():
        return {}
    with paths.sites.open(encoding="utf-8", newline="") as table:
        cities = sorted({row["city"] for row in csv.DictReader(table) if row.get("epsg")})
    # ASSUME: "Paris (CDG)" of the cities experiment is "Paris" of the income experiment.
    found = {city: paths.of_city(city.partition(" (")[0]).land_cover for city in cities}
    return {city: path for city, path in found.items() if path.is_file()}


def work(step, settings, paths, args) -> dict:
    import pandas as pd
    from tqdm import tqdm

    from urbancam.cities import patches as index
    from urbancam.cities import relevance_by_class as by_class
    from urbancam.showing.figures import style
    from urbancam.sources.urban_atlas.classes import class_names
    from urbancam.tables import frames

    patches, sites = (
        frames.read(paths.patches),
        frames.read(paths.sites, dtype={"site": str, "image": str}),
    )
    patches["class_number"], names = index.city_numbers(patches)
    chosen = choose(patches, sites, settings, paths)
    credits = style.site_credit_line(set(sites["source"]), rendered=paths.cities_truth.is_file())
    map_rows = open_mapper(chosen, names, settings, paths, args)
    parts = clean_parts(step, paths)
    makers = {
        "pictures": lambda *rows: draw_city(*rows, names, credits, paths),
        "land_cover": lambda *rows: cover_city(*rows, sites, settings, paths),
    }
    made = {"pictures": [], "land_cover": [pd.DataFrame(columns=by_class.COLUMNS)]}
    with tqdm(total=len(chosen), unit="patch", desc="relevance") as bar:
        for (kind, number), rows in chosen.groupby(["kind", "class_number"], sort=False):
            part = parts / f"{kind}_{number}.parquet"
            if not part.exists():
                with atomic(part) as temporary:
                    makers[kind](names[number], rows, map_rows(rows)).to_parquet(
                        temporary, index=False
                    )
            made[kind].append(pd.read_parquet(part))
            bar.update(len(rows))
    described, fragments = (
        pd.concat([t for t in found if len(t)] or found, ignore_index=True)
        for found in made.values()
    )
    key, classes = settings.landcover.key, class_names(settings.landcover.key)
    by_classes = by_class.relevance_by_class(
        fragments, classes, key, settings.statistics, settings.seed
    )
    frames.write(fragments, paths.relevance_fragments)
    frames.write(by_classes, paths.table("relevance_by_class"))
    frames.write(described, paths.table("relevance"))
    return {
        "patches drawn": described["patch_id"].nunique(),
        "cities": described["city"].nunique(),
        "patches over land cover": fragments["patch_id"].nunique(),
    }


def choose(patches, sites, settings, paths):
    """Patches to be drawn (`kind` pictures), and to be laid on land cover where their sites have any."""
    import pandas as pd

    from urbancam.cities import relevance_by_class as by_class

    asked, folds, seed = settings.cities.relevance, settings.cities.folds_trained, settings.seed
    drawn = by_class.draw_tested(patches, folds, asked.patches, seed)
    place = ["city", "site", "image"]
    known = sites.loc[sites["epsg"].notna() & sites["city"].isin(land_covers(paths)), place]
    covered = by_class.draw_tested(
        patches.merge(known, on=place), folds, asked.land_cover_patches, seed
    )
    log.info(
        "draws %s patches of %d cities; lays %s on the land cover of %d cities",
        f"{len(drawn):,}",
        drawn["city"].nunique(),
        f"{len(covered):,}",
        covered["city"].nunique(),
    )
    if covered.empty:
        log.info(
            "no site has both coordinates and land cover: relevance_by_class.csv will have no rows"
        )
    return pd.concat(
        [drawn.assign(kind="pictures"), covered.assign(kind="land_cover")], ignore_index=True
    )


def clean_parts(step, paths):
    """Folder of the finished cities; those of other settings or inputs go, with their pictures."""
    folder = paths.run_folder / "relevance.parts"
    if not (folder / step.fingerprint).exists():
        shutil.rmtree(paths.relevance, ignore_errors=True)
    step.afterwards = lambda: shutil.rmtree(folder)
    return open_parts(folder, step.fingerprint)


def open_mapper(chosen, names, settings, paths, args):
    """A function: rows of `chosen` -> index, image and relevance of each, by the network that never saw its site."""
    import functools

    from urbancam.cities import predictions, relevance
    from urbancam.cities.pixels import open_patches
    from urbancam.learning import networks

    cities = settings.cities
    pixels, row = open_patches(paths, chosen, cities.patch_px, cities.image, args.workers)
    device, seen = networks.find_device(args.device), predictions.seen_colour(cities.colour)

    def read(index: int):
        return seen(pixels[row[index]], None) if seen else pixels[row[index]]

    @functools.cache
    def network(fold: int):
        return networks.load(paths.weights(fold), cities.model, len(names)).to(device)

    return lambda rows: relevance.map_rows(rows, read, network, cities)


def draw_city(city, rows, mapped, names, credits, paths):
    """Pictures of a city's patches and sheets of them, written; their rows of `relevance.csv`."""
    import pandas as pd
    from PIL import Image

    from urbancam.showing.figures import relevance, style

    described, sheet, folder = [], [], paths.relevance / folder_name_among(city, names)
    for number, (index, image, maps) in enumerate(mapped, 1):
        patch = rows.loc[index]
        name = f"{number:02d}_{folder_name(patch['patch_id'].removeprefix(f'{city}/'))}"
        for layer, shown in maps.shown.items():
            for kind, paint in relevance.PICTURES.items():
                with atomic(folder / f"{name}_{layer}_{kind}.png") as temporary:
                    Image.fromarray(paint(image, shown)).save(temporary)
        own = patch[["patch_id", "city", "site", "image", "fold"]].to_dict() | {
            "picture": f"{folder.name}/{name}"
        }
        described += [own | row for row in maps.describe(names)]
        sheet.append(relevance.PatchPicture(f"{name}: {names[maps.target]}", image, maps.shown))
    for page, first in enumerate(range(0, len(sheet), ROWS_A_SHEET), 1):
        figure = relevance.draw_relevance_sheet(sheet[first : first + ROWS_A_SHEET], city, credits)
        for kind in ("png", "pdf"):
            with atomic(folder / f"sheet_{page}.{kind}") as temporary:
                temporary.write_bytes(style.render(figure, kind))
    return pd.DataFrame(described)


def cover_city(city, rows, mapped, sites, settings, paths):
    """Rows of `relevance_fragments.parquet` of a city's patches."""
    from urbancam.cities import patch_cover
    from urbancam.tables import geoframes

    land_cover = geoframes.read(land_covers(paths)[city], ["code", "class", "geometry"])
    signed = ((index, maps.signed) for index, _, maps in mapped)
    return patch_cover.project_patches(signed, rows, sites, land_cover, settings.cities.patch_px)


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
