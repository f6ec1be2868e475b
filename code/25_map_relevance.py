"""Map by what the networks name each city: Relevance-CAM of test patches at every depth, and over
their land cover.

Reads   results/cities/<run>/sites.csv, patches.parquet, fold_K/weights.pt; the images;
        results/<City>/land_cover.parquet, classes.csv of the cities whose sites were cut from
        their tiles
Writes  results/cities/<run>/relevance/<City>/: of each drawn patch and layer
        <n>_<patch>_<layer>_heat.png, ..._overlay.png, ..._masked.png; sheet_1.png, .pdf and
        .svg, ...: ten patches each, captions.md;
        tables/relevance.csv, relevance_by_class.csv; relevance_fragments.parquet (a row per layer
        and fragment)
Run     python code/25_map_relevance.py --run demo
"""

import argparse
import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from urbancam.showing import captions
from urbancam.workflow import progress
from urbancam.workflow.files import atomic, open_parts, write_files
from urbancam.workflow.folder_names import folder_name, folder_name_among
from urbancam.workflow.paths import Paths
from urbancam.workflow.records.steps import Done, Step
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Job, Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    import pandas as pd

    from urbancam.cities.relevance_maps import MappedPatch, Mapper
    from urbancam.showing.figures.relevance import PatchPicture

ROWS_A_SHEET = 10  # patches; as many as a page is high
KEYS = (  # of section `cities`
    "image",
    "model",
    "colour",
    "patch_px",
    "split",
    "folds",
    "trained_folds",
    "relevance",
)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def declare(request: Request) -> Step:
    cities, paths = request.settings.cities, request.paths
    weights = [paths.weights(fold) for fold in range(cities.folds_trained)]
    covers = land_covers(paths)
    return request.step(
        8,
        paths.table("relevance"),
        ["statistics", "landcover.key", "seed", "figures", *(f"cities.{key}" for key in KEYS)],
        [paths.patches, paths.sites, *weights, *covers.values(), *class_tables(covers)],
        outputs=[paths.relevance, paths.relevance_fragments, paths.table("relevance_by_class")],
        ways=captions.WAYS,
    )


def land_covers(paths: Paths) -> dict[str, Path]:
    """City -> its land cover, of the cities whose sites have coordinates and whose land cover
    was imported."""
    if not paths.sites.is_file():
        return {}
    with paths.sites.open(encoding="utf-8", newline="") as table:
        cities = sorted({row["city"] for row in csv.DictReader(table) if row.get("epsg")})
    # ASSUME: "Paris (CDG)" of the cities experiment is "Paris" of the income experiment.
    covers = {city: paths.of_city(city.partition(" (")[0]).land_cover for city in cities}
    return {city: path for city, path in covers.items() if path.is_file()}


def class_tables(covers: dict[str, Path]) -> list[Path]:
    """The class tables beside the land covers."""
    return [path.with_name("classes.csv") for path in dict.fromkeys(covers.values())]


def work(job: Job) -> Done:
    from urbancam.cities import patches as index
    from urbancam.cities import relevance_maps
    from urbancam.showing.figures.credits import site_credit_line
    from urbancam.tables import frames

    paths, cities = job.paths, job.settings.cities
    patches = frames.read(paths.patches)
    sites = frames.read(paths.sites, dtype={"site": str, "image": str})
    patches["class_number"], names = index.city_numbers(patches)
    covers = land_covers(paths)
    chosen = relevance_maps.choose_patches(patches, sites, covers, cities, job.settings.seed)
    mapper = relevance_maps.open_mapper(chosen, len(names), paths, cities, job.device, job.workers)
    credits = site_credit_line(set(sites["source"]), rendered=paths.cities_truth.is_file())
    parts = open_parts(paths.run_folder / "relevance.parts", job.fingerprint, paths.relevance)
    makers = {
        relevance_maps.PICTURES: partial(draw_city, names=names, credits=credits, job=job),
        relevance_maps.LAND_COVER: partial(
            relevance_maps.project_city, sites=sites, covers=covers, patch_px=cities.patch_px
        ),
    }
    tables = map_city_by_city(chosen, names, mapper, makers, parts)
    described = join(tables[relevance_maps.PICTURES])
    counts = write_tables(described, tables[relevance_maps.LAND_COVER], covers, job)
    return Done(counts, leftovers=[parts.parent])


def write_tables(
    described: "pd.DataFrame",
    projected: list["pd.DataFrame"],
    covers: dict[str, Path],
    job: Job,
) -> dict[str, int]:
    """Write the rows of the patches, of their fragments, and by class; the counts of the step."""
    from urbancam.cities import relevance_by_class as by_class
    from urbancam.tables import cover_classes, frames

    settings, paths = job.settings, job.paths
    key = settings.landcover.key
    names = cover_classes.names(cover_classes.read_all(class_tables(covers)), key)
    fragments = join(projected, by_class.COLUMNS)
    by_classes = by_class.relevance_by_class(
        fragments, names, key, settings.statistics, settings.seed
    )
    frames.write(fragments, paths.relevance_fragments)
    frames.write(by_classes, paths.table("relevance_by_class"))
    frames.write(described, paths.table("relevance"))
    return {
        "patches drawn": described["patch_id"].nunique(),
        "cities": described["city"].nunique(),
        "patches over land cover": fragments["patch_id"].nunique(),
    }


def map_city_by_city(
    chosen: "pd.DataFrame",
    names: list[str],
    mapper: "Mapper",
    makers: dict[str, Callable[..., "pd.DataFrame"]],
    parts: Path,
) -> dict[str, list["pd.DataFrame"]]:
    """The table of each city, by what its patches are for.

    Cities that are there are not mapped again.
    """
    import pandas as pd

    tables: dict[str, list[pd.DataFrame]] = {kind: [] for kind in makers}
    with progress.bar(total=len(chosen), unit="patch", desc="relevance") as bar:
        for (kind, number), rows in chosen.groupby(["kind", "class_number"], sort=False):
            part = parts / f"{kind}_{number}.parquet"
            if not part.exists():
                table = makers[kind](names[number], rows, mapper(rows))
                with atomic(part) as temporary:
                    table.to_parquet(temporary, index=False)
            tables[kind].append(pd.read_parquet(part))
            bar.update(len(rows))
    return tables


def join(tables: list["pd.DataFrame"], columns: list[str] | None = None) -> "pd.DataFrame":
    """The tables of all cities, one below the other.

    Where there is no row, an empty one with these columns.
    """
    import pandas as pd

    filled = [table for table in tables if len(table)]
    return pd.concat(filled or [pd.DataFrame(columns=columns), *tables], ignore_index=True)


def draw_city(
    city: str,
    rows: "pd.DataFrame",
    mapped: "Iterator[MappedPatch]",
    names: list[str],
    credits: str,
    job: Job,
) -> "pd.DataFrame":
    """Write the pictures of a city's patches and sheets of them; their rows of `relevance.csv`."""
    import pandas as pd
    from PIL import Image

    from urbancam.showing.figures import relevance

    descriptions, sheet = [], []
    folder = job.paths.relevance / folder_name_among(city, names)
    for number, (index, image, maps) in enumerate(mapped, 1):
        patch = rows.loc[index]
        name = f"{number:02d}_{folder_name(patch['patch_id'].removeprefix(f'{city}/'))}"
        for layer, values in maps.shown.items():
            for kind, paint in relevance.PICTURES.items():
                with atomic(folder / f"{name}_{layer}_{kind}.png") as temporary:
                    Image.fromarray(paint(image, values)).save(temporary)
        own = patch[["patch_id", "city", "site", "image", "fold"]].to_dict()
        own["picture"] = f"{folder.name}/{name}"
        descriptions += [own | row for row in maps.describe(names)]
        sheet.append(relevance.PatchPicture(f"{name}: {names[maps.target]}", image, maps.shown))
    write_sheets(sheet, city, credits, folder, job)
    return pd.DataFrame(descriptions)


def write_sheets(
    pictures: list["PatchPicture"], city: str, credits: str, folder: Path, job: Job
) -> None:
    from urbancam.showing.figures import relevance

    pages = [
        pictures[first : first + ROWS_A_SHEET] for first in range(0, len(pictures), ROWS_A_SHEET)
    ]
    sheets = {
        f"sheet_{number}": relevance.draw_relevance_sheet(page, city, credits)
        for number, page in enumerate(pages, 1)
    }
    source = captions.name_source(city, job.run)
    write_files(folder, captions.render_files(sheets, source, job.settings.figures))


def main(argv: list[str] | None = None) -> int:
    return runner.run(parse_args(argv), declare, work)


if __name__ == "__main__":
    raise SystemExit(main())
