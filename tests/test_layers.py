"""The house's rules, read from the folders: who may import whom, and what each room keeps out."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

import urbancam

CODE = Path(__file__).resolve().parents[1] / "code"
PACKAGE = CODE / "urbancam"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
SCRIPTS = sorted(CODE.glob("[0-9][0-9]_*.py"))
HEAVY = {
    "torch",
    "torchvision",
    "geopandas",
    "rasterio",
    "pandas",
    "numpy",
    "scipy",
    "sklearn",
    "matplotlib",
}
GEOGRAPHY = {"geopandas", "rasterio", "shapely", "pyogrio"}
NETWORKS = {"torch", "torchvision", "efficientnet_pytorch", "timm"}


@functools.cache
def rooms() -> dict[str, set[str]]:
    """Folder -> the folders it may import, as the docstring of the package lists them."""
    allowed, above = {}, set()
    for name, named in re.findall(
        r"^(\w+)  +[^\[\n]*(?:\[(.*)\])?$", urbancam.__doc__, re.MULTILINE
    ):
        allowed[name] = (set(named.split()) if named else set(above)) | {name}
        above.add(name)
    return allowed


@functools.cache
def imported_names(path: Path, top_only: bool = False) -> set[str]:
    """Full names of the modules and symbols that a file imports.

    `top_only` leaves out those inside functions.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set()
    for node in tree.body if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def roots(path: Path, top_only: bool = False) -> set[str]:
    """The packages that a file imports from."""
    return {name.partition(".")[0] for name in imported_names(path, top_only)}


def imported_rooms(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported_names(path) if name.startswith("urbancam.")}


def loaded_by(*statements: str) -> set[str]:
    """The packages that are loaded once these statements have run in a process of their own."""
    code = "; ".join(
        [f"import sys; sys.path.insert(0, {str(CODE)!r})", *statements, "print(*sys.modules)"]
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in result.stdout.split()}


def import_statements(folder: str) -> list[str]:
    modules = [
        path.relative_to(CODE).with_suffix("")
        for path in MODULES
        if (PACKAGE / folder) in path.parents
    ]
    return [f"import {'.'.join(module.parts)}" for module in modules]


def name_of(path: Path) -> str:
    return path.relative_to(CODE).as_posix()


def test_every_folder_is_in_the_list_and_no_module_lies_outside():
    assert {
        path.name for path in PACKAGE.iterdir() if path.name not in ("__init__.py", "__pycache__")
    } == set(rooms())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_folder_imports_only_folders_above_it(path):
    assert imported_rooms(path) <= rooms()[path.relative_to(PACKAGE).parts[0]]


def test_inner_rooms_do_not_import_each_other_in_circles():
    """Folders within a folder, and modules within a folder, have an order too."""
    below = {
        path: {PACKAGE / Path(*name.split(".")[1:]) for name in imported_names(path)}
        for path in MODULES
    }
    edges = {
        path: {other for other in MODULES if {other.with_suffix("")} & below[path]}
        for path in MODULES
    }
    for path in MODULES:
        seen, todo = set(), set(edges[path])
        while todo:
            seen |= todo
            todo = {other for step in todo for other in edges[step]} - seen
        assert path not in seen, (
            f"{name_of(path)} imports itself through {sorted(map(name_of, seen))}"
        )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_module_imports_both_torch_and_geopandas(path):
    assert not (roots(path) & NETWORKS and roots(path) & {"geopandas", "rasterio"})


@pytest.mark.parametrize(
    ("folder", "kept_out"),
    [
        ("workflow", HEAVY),
        ("sources", NETWORKS),
        ("scoring", NETWORKS | GEOGRAPHY),
        pytest.param("learning", GEOGRAPHY, marks=pytest.mark.slow),
    ],
)
def test_room_loads_nothing_that_it_keeps_out(folder, kept_out):
    assert not loaded_by(*import_statements(folder)) & kept_out


def test_folders_init_files_are_empty_so_that_scripts_start_fast():
    files = [path for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE]
    assert {path.parent for path in MODULES} <= {path.parent for path in files}
    assert not [name_of(path) for path in files if path.read_text().strip()]


@pytest.mark.parametrize(
    "path", [path for path in MODULES if (PACKAGE / "showing") in path.parents], ids=name_of
)
def test_what_is_shown_opens_no_file(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    names = {getattr(call.func, "attr", getattr(call.func, "id", "")) for call in calls}
    assert not names & {"open", "read_csv", "read_parquet", "read_text", "read_bytes", "imread"}
    assert not roots(path) & NETWORKS


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_scripts_import_the_package_and_never_each_other(path):
    assert not roots(path) & {script.stem for script in SCRIPTS}
    assert roots(path, top_only=True) <= set(sys.stdlib_module_names) | {"urbancam"}


def test_scripts_load_nothing_heavy_before_their_arguments_are_read():
    assert (
        not loaded_by("import runpy", *(f"runpy.run_path({str(path)!r})" for path in SCRIPTS))
        & HEAVY
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=name_of)
def test_work_reads_no_settings_past_its_job(path):
    """`job.request` holds all settings, those that the step did not declare too."""
    assert "job.request" not in path.read_text(encoding="utf-8")


def test_the_package_never_imports_scripts():
    numbered = {script.stem for script in SCRIPTS}
    assert not [name_of(path) for path in MODULES if roots(path) & numbered]


def test_code_is_no_package():
    assert not (CODE / "__init__.py").exists()  # it would shadow the standard library's `code`
