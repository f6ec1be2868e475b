"""An export of one run: what goes in, which version it is."""

import argparse
import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from urbancam.workflow import catalogue
from urbancam.workflow.errors import InputError
from urbancam.workflow.export import archives, texts
from urbancam.workflow.export import contents as what
from urbancam.workflow.export.texts import Sources
from urbancam.workflow.files import digest
from urbancam.workflow.folder_names import folder_name
from urbancam.workflow.paths import ROOT, Paths, display_path
from urbancam.workflow.records import provenance
from urbancam.workflow.records.steps import record_path
from urbancam.workflow.running.job import Request
from urbancam.workflow.settings import as_yaml, settings

Contents = dict[str, Path | str]

SETTINGS, RECORDS, MANIFEST = "settings.yaml", "records.json", "manifest.csv"
SITE_IMAGES = {  # of the cities experiment, by `cities.source`
    "files": "as dropped into data/cities_data; their licence is yours to name",
    "hub": "DL-SLICER, Bissarinova et al. 2024",
    "ign": Sources.images,
}


def folder(request: Request) -> Path:
    """Where exports lie."""
    return request.paths.results / "exports"


def name(request: Request) -> str:
    """The name of a run's exports, without version."""
    return f"{folder_name(request.city)}-{request.args.run}"


def collect(request: Request, args: argparse.Namespace) -> Contents:
    """All that an export holds but for what tells its version: name -> file or text.

    Raises:
        InputError: The run is not finished, or its files are not as the steps left them.
    """
    paths = request.paths
    records = read_records(request)
    files = what.files_of(paths.run_folder)
    command = f"./run.sh {args.city} --run {args.run}"
    if not records or not files:
        raise InputError(
            f"nothing of {args.city}, run {args.run}, is here to export",
            display_path(paths.run_folder),
            f"run {command} first",
        )
    refuse_unfinished(files, records, request, command)
    folders = {Path(display_path(paths.results)): "results", Path(display_path(paths.data)): "data"}
    reduced = [what.reduce_record(record, folders) for record in records]
    reduced.sort(key=lambda record: (record["step"], [*record["sha256"]]))
    contents: Contents = {path.relative_to(paths.run_folder).as_posix(): path for path in files}
    layers = settings.read_layers(args.run, args.set, city=args.city, data=args.data)
    return contents | {
        SETTINGS: as_yaml.render(layers),
        RECORDS: json.dumps(reduced, indent=1, ensure_ascii=False, sort_keys=True) + "\n",
        "CREDITS.md": texts.credits(find_sources(request)),
        "LICENSE": ROOT / "LICENSE",
        "columns.md": ROOT / "results" / "README.md",
    }


def read_records(request: Request) -> list[dict[str, Any]]:
    """The records of all steps behind a run."""
    paths, census = request.paths, request.settings.census
    files = [*paths.city_folder.glob("*.json")]
    if request.settings.cells.source == "insee":
        files.append(record_path(paths.census(census.vintage, census.cell_size_m)))
    return provenance.read_records([paths.run_folder], files)


def refuse_unfinished(
    files: Iterable[Path], records: list[dict[str, Any]], request: Request, command: str
) -> None:
    """Raise if files are not as a step left them, or were made of other files or settings than
    those that stand there.

    Args:
        files: Files to be exported.
        records: Records of the run.
        request: What is asked for.
        command: The command that makes the run.

    Raises:
        InputError: They are not.
    """
    hashes = {display_path(path): digest(path) for path in files}
    asked = request.settings.pick(*type(request.settings).model_fields)
    for record in records:
        seen = record.get("sha256", {}) | {
            path: stamp["sha256"] for path, stamp in record.get("inputs", {}).items()
        }
        differing = [path for path in seen if hashes.get(path, seen[path]) != seen[path]]
        changed = [key for key, value in record["settings"].items() if asked.get(key) != value]
        if differing or changed:
            raise InputError(
                f"the run is not up to date: {record['step']} knew "
                f"another {', '.join([*differing, *changed][:3])}",
                display_path(request.paths.run_folder),
                f"run {command} first; ./run.sh status says what is stale",
            )


def find_sources(request: Request) -> Sources:
    """Where the data behind a run come from."""
    paths, run_settings = request.paths, request.settings
    if request.city == catalogue.EXPERIMENT:
        return Sources(paths.cities_truth.is_file(), images=SITE_IMAGES[run_settings.cities.source])
    from_file = run_settings.landcover.source == "file"
    is_of_ign = run_settings.imagery.is_of_ign and not run_settings.imagery.credit
    own_cells = run_settings.cells.source == "file"
    return Sources(
        paths.truth.is_file(),
        None if own_cells else run_settings.census.vintage,
        run_settings.value_credit if own_cells else "",
        None if from_file else run_settings.urban_atlas.edition,
        run_settings.land_cover_credit if from_file else "",
        image_years(paths),
        **({} if is_of_ign else {"images": run_settings.image_credit.removeprefix("© ")}),
    )


def image_years(paths: Paths) -> str:
    """The campaign years of the images in words."""
    if not paths.images_table.is_file():
        return ""
    with paths.images_table.open(encoding="utf-8", newline="") as file:
        return what.years(row["campaign_year"] for row in csv.DictReader(file))


def changes_since(earlier: Mapping[int, Path], contents: Contents) -> list[str]:
    """What changed since the latest of the earlier versions; nothing where there is none."""
    if not earlier:
        return []
    latest = earlier[max(earlier)]
    before = what.read_manifest(archives.read_text(latest, MANIFEST))
    now = {file: sha256 for file, (_, sha256) in weigh(contents).items()}
    lines = what.name_changes(before, now)
    if before.get(SETTINGS) != now[SETTINGS]:
        texts_of_settings = archives.read_text(latest, SETTINGS), contents[SETTINGS]
        flat = [settings.flatten(yaml.safe_load(text)) for text in texts_of_settings]
        lines += what.changed_settings(*flat)
    return lines


def weigh(contents: Contents) -> dict[str, tuple[int, str]]:
    """Bytes and SHA-256 of everything in an export."""
    return {file: archives.weigh(content) for file, content in contents.items()}


def with_version(
    contents: Contents, version: int, changes: list[str], request: Request
) -> Contents:
    """The whole export, in a folder of its own that bears the version.

    Args:
        contents: As `collect` returns them.
        version: Version of the export.
        changes: What changed since the version before.
        request: What is asked for.
    """
    title = f"UrbanCAM: {request.city}, run {request.args.run}"
    software = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    records = json.loads(str(contents[RECORDS]))
    commits = sorted({record["commit"] for record in records if record.get("commit")})
    sources = find_sources(request)
    versioned = contents | {
        MANIFEST: what.render_manifest(weigh(contents)),
        "README.md": texts.readme(title, version, sorted(contents)),
        "CHANGES.md": texts.changes(version, changes),
        "CITATION.cff": texts.citation(software, title, version, commits, sources),
    }
    top = f"{name(request)}-v{version}"
    return {f"{top}/{file}": content for file, content in versioned.items()}
