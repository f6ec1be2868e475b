"""Pictures of cells beside the page are drawn side by side, and nothing is said of it."""

import importlib
import warnings
from types import SimpleNamespace

import pandas as pd
from rasterio.errors import NotGeoreferencedWarning

from samples import cell_id
from urban_atlas_classes import class_table

make_report = importlib.import_module("92_make_report")
COUNT = 6


def test_threads_that_draw_do_not_warn_of_pictures_without_a_place(tmp_path, monkeypatch):
    ids = [cell_id(column, 0) for column in range(COUNT)]

    def draw_cell(paths, files, fragments, classes, cell):
        warnings.warn("no geotransform", NotGeoreferencedWarning, stacklevel=1)
        return [(f"{cell}.jpg", b"")]

    monkeypatch.setattr(make_report, "draw_cell", draw_cell)
    monkeypatch.setattr(make_report, "read_fragments", lambda paths, cells: {})
    paths = SimpleNamespace(run_folder=tmp_path, report_cells=tmp_path / "report_cells")
    settings = SimpleNamespace(page=SimpleNamespace(cell_pictures=COUNT), seed=0)
    job = SimpleNamespace(paths=paths, settings=settings, workers=2, fingerprint="a")
    images = pd.DataFrame({"idINSPIRE": ids, "path": "a.png"})
    activation = pd.DataFrame({"idINSPIRE": ids, "class": "roads", "area_m2": 40_000.0})
    got = make_report.write_pictures(job, images, activation, images[["idINSPIRE"]], class_table())
    assert got == set(ids) and len(list(paths.report_cells.iterdir())) == COUNT
