"""Every path of data/ and results/, in one place.

City scope (`results/<city>/`) holds facts, the same for every run; run scope
(`results/<city>/<run>/`) holds samples, models, maps and statistics.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from urbancam.workflow.folder_names import city_file, folder_name

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "code" / "config"
CLASS_TABLES = CONFIG / "classes"  # those that are shipped


def display_path(path: Path) -> str:
    """The path relative to the project where that is possible, for messages and records."""
    path = Path(path).resolve()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


@dataclass(frozen=True)
class Paths:
    """Paths of one city and one run below the two top folders.

    Args:
        data: Folder of what came from outside.
        results: Folder of what was computed.
        city: Name of the city, any spelling ("" for steps that serve all cities).
        run: Name of the run.
        variant: Name of a variant of the run ("" for the run itself), see `variants.py`.
        cache_limit_gb: GB that the decoded images of a city's cells may take (setting `cache_gb`).
    """

    data: Path
    results: Path
    city: str = ""
    run: str = "default"
    variant: str = ""
    cache_limit_gb: float = float("inf")

    # data: what came from outside
    @property
    def census_data(self) -> Path:
        return self.data / "census_data"

    @property
    def aerial_data(self) -> Path:
        return self.data / "aerial_data"

    @property
    def urban_atlas_data(self) -> Path:
        return self.data / "UA_data"

    @property
    def city_file(self) -> Path:
        return city_file(self.data, self.city)

    @property
    def cities_data(self) -> Path:
        return self.data / "cities_data"

    @property
    def acquisitions(self) -> Path:
        return self.cities_data / "acquisitions.csv"

    @property
    def truth(self) -> Path:
        return self.data / "truth.json"

    @property
    def cities_truth(self) -> Path:
        return self.data / "cities_truth.json"

    def census(self, vintage: int, cell_size_m: int = 200) -> Path:
        grid = "_1km" if cell_size_m == 1000 else ""
        return self.census_data / f"census_{vintage}{grid}.parquet"

    # city scope: facts
    @property
    def city_folder(self) -> Path:
        return self.results / folder_name(self.city)

    @property
    def logs(self) -> Path:
        return self.city_folder / "logs"  # of steps that serve all cities: results/logs

    @property
    def land_cover(self) -> Path:
        return self.city_folder / "land_cover.parquet"

    @property
    def classes(self) -> Path:
        return self.city_folder / "classes.csv"

    @property
    def boundary(self) -> Path:
        return self.city_folder / "boundary.parquet"

    @property
    def cells(self) -> Path:
        return self.city_folder / "cells.parquet"

    @property
    def tiles(self) -> Path:
        return self.city_folder / "tiles.parquet"

    @property
    def images(self) -> Path:
        return self.city_folder / "images"

    @property
    def images_table(self) -> Path:
        return self.city_folder / "images.csv"

    @property
    def fragments(self) -> Path:
        return self.city_folder / "fragments.parquet"

    @property
    def check_picture(self) -> Path:
        return self.city_folder / "check.png"

    @property
    def cache(self) -> Path:
        return self.city_folder / "cache"

    # the cities experiment: results/cities/ is its city folder
    @property
    def sites(self) -> Path:
        """Variants work on the sites of their run."""
        return self.of_variant("").run_folder / "sites.csv"

    @property
    def skipped(self) -> Path:
        return self.of_variant("").run_folder / "skipped.csv"

    @property
    def site_images(self) -> Path:
        return self.city_folder / "images"

    @property
    def cities_used(self) -> Path:
        return self.run_folder / "cities.csv"

    @property
    def patches(self) -> Path:
        return self.run_folder / "patches.parquet"

    @property
    def relevance(self) -> Path:
        return self.run_folder / "relevance"

    @property
    def relevance_fragments(self) -> Path:
        return self.run_folder / "relevance_fragments.parquet"

    def site_embeddings(self, fold: int) -> Path:
        return self.fold(fold) / "site_embeddings.parquet"

    # run scope: samples, models, maps, statistics
    @property
    def run_folder(self) -> Path:
        run = self.city_folder / self.run
        return run / "variants" / self.variant if self.variant else run

    def of_variant(self, name: str) -> "Paths":
        """The same paths for a variant of the run ("" for the run itself)."""
        return replace(self, variant=name)

    def of_city(self, city: str) -> "Paths":
        """The same paths for another city."""
        return replace(self, city=city)

    def in_other_runs(self, path: Path) -> list[Path]:
        """The same file in all other runs and variants of the city, sorted.

        Args:
            path: File in the folder of this run.
        """
        within = path.relative_to(self.run_folder)
        same_files = {
            *self.city_folder.glob(f"*/{within}"),
            *self.city_folder.glob(f"*/variants/*/{within}"),
        }
        return sorted(same_files - {path})

    def other_cities(self) -> list["Paths"]:
        """The paths of all other cities that have samples of the same run, sorted by name."""
        samples = self.results.glob(f"*/{self.run}/samples.csv")
        names = sorted(path.parent.parent.name for path in samples)
        own = folder_name(self.city)
        return [replace(self, city=name, variant="") for name in names if name != own]

    def cities_with_tiles(self) -> list[str]:
        """The names of all cities that have tiles, sorted."""
        return sorted(tiles.parent.name for tiles in self.results.glob("*/tiles.parquet"))

    @property
    def samples(self) -> Path:
        return self.run_folder / "samples.csv"

    @property
    def planted_incomes(self) -> Path:
        """Of a variant whose incomes follow a planted rule."""
        return self.run_folder / "planted_incomes.csv"

    @property
    def planted_truth(self) -> Path:
        return self.run_folder / "planted_truth.csv"

    def features(self, name: str) -> Path:
        """A table of features of cells; variants read those of their run."""
        return self.of_variant("").run_folder / "features" / f"{name}.parquet"

    def fold(self, fold: int) -> Path:
        return self.run_folder / f"fold_{fold}"

    def weights(self, fold: int) -> Path:
        return self.fold(fold) / "weights.pt"

    def history(self, fold: int) -> Path:
        return self.fold(fold) / "history.csv"

    def checkpoint(self, fold: int) -> Path:
        return self.fold(fold) / "checkpoint.pt"  # while the fold is trained

    def test_predictions(self, fold: int) -> Path:
        return self.fold(fold) / "test_predictions.csv"

    def validation_predictions(self, fold: int) -> Path:
        return self.fold(fold) / "validation_predictions.csv"

    @property
    def predictions(self) -> Path:
        return self.run_folder / "predictions.csv"

    @property
    def predictions_without_income(self) -> Path:
        return self.run_folder / "predictions_without_income.csv"

    @property
    def activation(self) -> Path:
        return self.run_folder / "activation.parquet"

    @property
    def cell_activation(self) -> Path:
        return self.run_folder / "cell_activation.csv"

    @property
    def local_moments(self) -> Path:
        return self.run_folder / "local_moments.parquet"

    @property
    def contribution_map(self) -> Path:
        return self.run_folder / f"{self.city_folder.name}_{self.run}_contribution.tif"

    @property
    def maps(self) -> Path:
        return self.run_folder / "maps"

    @property
    def tables(self) -> Path:
        return self.run_folder / "tables"

    def table(self, name: str) -> Path:
        return self.tables / f"{name}.csv"

    @property
    def figures(self) -> Path:
        return self.run_folder / "figures"

    @property
    def layers(self) -> Path:
        """The run's cells and fragments for other programs."""
        return self.run_folder / f"{self.city_folder.name}_{self.run}.gpkg"

    @property
    def report(self) -> Path:
        return self.run_folder / "report.html"

    @property
    def report_cells(self) -> Path:
        """Small pictures of cells, beside the report."""
        return self.run_folder / "report_cells"

    @property
    def overview(self) -> Path:
        """The page that compares all cities and runs."""
        return self.results / "report.html"

    @property
    def all_runs(self) -> Path:
        """The long table over all cities and runs."""
        return self.results / "all_runs.csv"

    def reports(self) -> list[Path]:
        """The pages of all runs at hand, sorted."""
        return sorted(self.results.glob("*/*/report.html"))
