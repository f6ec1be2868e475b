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
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports from where it lies, without the whole name"
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


@functools.cache
def imported_modules(path: Path) -> set[Path]:
    """The modules of the package that a file imports whole or names of, for annotations too."""
    modules = {".".join(other.relative_to(CODE).with_suffix("").parts): other for other in MODULES}
    names = imported_names(path)
    # The module itself, or the one that the name stands in
    named = names | {name.rpartition(".")[0] for name in names}
    return {modules[name] for name in named & set(modules)}


def inner_room(path: Path) -> Path:
    """The folder within a room that a module lies in, or the module where it lies in the room."""
    return PACKAGE / Path(*path.relative_to(PACKAGE).parts[:2])


def assert_no_circle(imports: dict[Path, set[Path]]) -> None:
    """Fail where something imports itself through others; `imports` says what imports what."""
    for start in imports:
        seen, todo = set(), set(imports[start])
        while todo:
            seen |= todo
            todo = {other for step in todo for other in imports[step]} - seen
        assert start not in seen, (
            f"{name_of(start)} imports itself through {sorted(map(name_of, seen))}"
        )


@pytest.mark.parametrize(
    "line",
    [
        "from urbancam.tables import frames",
        "import urbancam.tables.frames",
        "from urbancam.tables.frames import read",
        "if TYPE_CHECKING:\n    from urbancam.tables.frames import read",
        "def work(job):\n    from urbancam.tables.frames import read",
    ],
)
def test_every_way_to_import_from_a_module_is_seen(tmp_path, line):
    (tmp_path / "script.py").write_text(line)
    assert imported_modules(tmp_path / "script.py") == {PACKAGE / "tables" / "frames.py"}


def test_modules_do_not_import_each_other_in_circles():
    assert_no_circle({path: imported_modules(path) for path in MODULES})


def test_folders_within_a_room_have_an_order_too():
    """A folder within a room stands as one beside the room's own modules.

    Each of these may be above it or below it, but none is both.
    """
    imports = {inner_room(path): set() for path in MODULES}
    for path in MODULES:
        inner = inner_room(path)
        imports[inner] |= {inner_room(other) for other in imported_modules(path)} - {inner}
    assert_no_circle(imports)


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=name_of)
def test_no_module_imports_both_networks_and_geography(path):
    assert not (roots(path) & NETWORKS and roots(path) & GEOGRAPHY)


@pytest.mark.parametrize(
    ("folders", "kept_out"),
    [
        (["workflow"], HEAVY),
        (["tables", "sources", "demo"], NETWORKS),
        (["scoring"], NETWORKS | GEOGRAPHY),
        pytest.param(["learning"], GEOGRAPHY, marks=pytest.mark.slow),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_rooms_load_nothing_that_they_keep_out(folders, kept_out):
    statements = [statement for folder in folders for statement in import_statements(folder)]
    assert not loaded_by(*statements) & kept_out


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
