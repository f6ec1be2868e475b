"""The house's rules, read from the imports: who may import whom, and what the layers keep out."""

import ast
import sys
from pathlib import Path

import pytest

CODE = Path(__file__).resolve().parents[1] / "code"
PACKAGE = CODE / "urbancam"
GROUND = {"errors", "paths", "records", "settings", "command", "vintages", "variants", "gpus", "reuse", "exhibits"}
GEO = {"cities", "download", "census", "city_cells", "crs", "geotables", "urban_atlas", "ign", "imagery", "demo"}
LEARNING = {"splits", "datasets", "models", "schedules", "training", "activation", "comparison", "relevance"}
LEARNING |= {"attribution", "image_features", "checkpoints", "city_predictions", "colour"}
TABLES = {"grid", "tables", "projection", "landcover", "metrics", "baselines", "bootstrap", "predictions", "targets"}
TABLES |= {"calibration", "moran", "cache", "agreement"}
SHOW = {"figures", "report"}
HEAVY = {"torch", "torchvision", "geopandas", "rasterio", "pandas", "numpy", "scipy", "sklearn", "matplotlib"}
SCRIPTS = sorted(CODE.glob("[0-9][0-9]_*.py"))


def module_files(name: str) -> list[Path]:
    single, folder = PACKAGE / f"{name}.py", PACKAGE / name
    return [single] if single.exists() else sorted(folder.rglob("*.py"))


def imports(path: Path, top_only: bool = False) -> set[str]:
    """Imported module names; `top_only` leaves out those inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def siblings(path: Path) -> set[str]:
    """Modules of the package that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith("urbancam.")}


def roots(path: Path, top_only: bool = False) -> set[str]:
    return {name.split(".")[0] for name in imports(path, top_only)}


def test_every_module_has_a_layer():
    found = {p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()} - {"__init__"}
    assert found == GROUND | GEO | LEARNING | TABLES | SHOW


@pytest.mark.parametrize("name", sorted(GROUND))
def test_ground_imports_nothing_of_the_rest_and_nothing_heavy(name):
    for path in module_files(name):
        assert siblings(path) <= GROUND
        assert not roots(path) & HEAVY


@pytest.mark.parametrize("name", sorted(GEO))
def test_geo_never_imports_torch(name):
    for path in module_files(name):
        assert not roots(path) & {"torch", "torchvision", "efficientnet_pytorch"}
        assert not siblings(path) & LEARNING


@pytest.mark.parametrize("name", sorted(LEARNING))
def test_learning_never_imports_geopandas(name):
    for path in module_files(name):
        assert not roots(path) & {"geopandas", "rasterio", "shapely"} and not siblings(path) & (GEO | SHOW)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_tables_need_neither_torch_nor_geopandas(name):
    for path in module_files(name):
        assert not roots(path) & {"torch", "torchvision", "geopandas", "rasterio"}
        assert not siblings(path) & (GEO | LEARNING | SHOW)


@pytest.mark.parametrize("name", sorted(SHOW))
def test_figures_open_no_file(name):
    for path in module_files(name):
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        names = {getattr(c.func, "attr", getattr(c.func, "id", "")) for c in calls}
        assert not names & {"open", "read_csv", "read_parquet", "read_text", "read_bytes", "imread"}
        assert not roots(path) & {"torch"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_scripts_import_the_package_and_never_each_other(path):
    numbered = {script.stem for script in SCRIPTS}
    assert not {name.split(".")[0] for name in imports(path)} & numbered
    light = {name for name in sys.stdlib_module_names} | {"urbancam"}
    assert roots(path, top_only=True) <= light
    top = {name.split(".")[1] for name in imports(path, top_only=True) if name.startswith("urbancam.")}
    assert top <= GROUND


def test_the_package_never_imports_scripts():
    numbered = {script.stem for script in SCRIPTS}
    for path in PACKAGE.rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & numbered


def test_code_is_no_package():
    assert not (CODE / "__init__.py").exists()  # it would shadow the standard library's `code`
