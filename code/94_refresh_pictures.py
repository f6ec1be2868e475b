"""Refresh the pictures of the README from the demo's own figures, smaller, and from its page as a
browser shows it.

Reads   figures and page of results/Demo/demo/, figures of results/Demo/demo-full/ and
        results/cities/demo/, the demo's plan and towns
Writes  imgs/*.png
Run     python code/94_refresh_pictures.py --run demo
"""

import argparse
from pathlib import Path

from urbancam.workflow.errors import InputError
from urbancam.workflow.files import atomic
from urbancam.workflow.paths import ROOT, display_path
from urbancam.workflow.running import arguments, runner

WIDTH_PX = 900
COLOURS = 160  # of the palette; keeps each picture below 300 kB
PICTURES = {  # folder of a run below results/ -> its figures, and the command that makes them
    "Demo/demo/figures": (
        ("class_maps", "scores", "activation_ratios", "polar_ratios", "cell_sheet"),
        "./run.sh",
    ),
    "Demo/demo-full/figures": (
        ("leakage", "calibration", "controls", "deletion"),
        "./run.sh --run demo-full",
    ),
    "cities/demo/figures": (
        ("city_confusion", "colour_controls", "city_tree"),
        "./run.sh cities",
    ),
}
SHEET = "cities/demo/relevance/Altmark-ALT/sheet_1.png"
SITES = ("site_01", "site_02")  # a site of each town in each light
PAGE = "Demo/demo/report.html"
PAGE_WIDTH_PX = 1000
PAGE_COLOURS = 128
CLICKED_PX = {"x": 250, "y": 300}  # on the map
TOWN_PX = 178  # side of a site in the picture of the towns
GAP_PX = 2


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def shrink(source: Path, target: Path, maker: str) -> None:
    """Write a smaller copy of a figure, in few colours."""
    from PIL import Image

    if not source.is_file():
        raise InputError(
            f"{display_path(source)} is missing", display_path(source), f"run {maker} first"
        )
    with Image.open(source) as image:
        size = WIDTH_PX, round(image.height * WIDTH_PX / image.width)
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    with atomic(target) as temporary:
        small.save(temporary, optimize=True)


def join_towns(data: Path, target: Path) -> None:
    """Write a picture of the rendered towns: a column for each, a line for each light."""
    from PIL import Image

    lines = [sorted((data / "cities_data").glob(f"*/{site}/0.jpg")) for site in SITES]
    if not all(lines):
        advice = "run ./run.sh cities first"
        raise InputError("the rendered towns are missing", data / "cities_data", advice)
    step_px = TOWN_PX + GAP_PX
    size = step_px * len(lines[0]), step_px * len(lines)
    picture = Image.new("RGB", size, "white")
    for line, files in enumerate(lines):
        for column, file in enumerate(files):
            with Image.open(file) as site:
                small = site.resize((TOWN_PX, TOWN_PX))
            picture.paste(small, (column * step_px, line * step_px))
    with atomic(target) as temporary:
        picture.quantize(COLOURS).save(temporary, optimize=True)


def picture_page(page: Path, target: Path) -> None:
    """Write a picture of a page's map with a cell that was clicked, as a browser shows it."""
    from PIL import Image

    from urbancam.showing.report import chromium

    if not page.is_file():
        raise InputError(
            f"{display_path(page)} is missing", display_path(page), "run ./run.sh first"
        )
    with chromium.launch() as browser, atomic(target) as temporary:
        tab = browser.new_page(viewport={"width": PAGE_WIDTH_PX, "height": PAGE_WIDTH_PX})
        tab.goto(page.as_uri())
        tab.click("#map", position=CLICKED_PX)
        tab.mouse.move(0, 0)
        tab.wait_for_load_state("networkidle")
        tab.locator("#where").screenshot(path=temporary)
        with Image.open(temporary) as image:
            few_colours = image.convert("RGB").quantize(PAGE_COLOURS)
        few_colours.save(temporary, optimize=True)


def refresh(args: argparse.Namespace) -> int:
    from urbancam.demo import picture

    request = runner.read_request(args)
    results, images = request.paths.results, ROOT / "imgs"
    for folder, (names, maker) in PICTURES.items():
        for name in names:
            shrink(results / folder / f"{name}.png", images / f"{name}.png", maker)
    shrink(results / SHEET, images / "relevance_sheet.png", "./run.sh cities")
    join_towns(request.paths.data, images / "demo_towns.png")
    picture_page(results / PAGE, images / "page.png")
    picture.write_picture(request.settings, images / "demo_city.png")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: refresh(args))


if __name__ == "__main__":
    raise SystemExit(main())
