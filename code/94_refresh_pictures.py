"""Refresh the pictures of the README from the demo's own figures, smaller.

Reads   figures of results/Demo/demo/, results/Demo/demo-full/ and results/cities/demo/, the demo's plan and towns
Writes  imgs/*.png
Run     python code/94_refresh_pictures.py --run demo
"""

import argparse

from urbancam.workflow import arguments, errors, runner

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
    "cities/demo/figures": (("city_confusion", "colour_controls", "city_tree"), "./run.sh cities"),
}
SHEET = "cities/demo/relevance/Altmark-ALT/sheet_1.png"
TOWN_PX, SITES = 178, ("site_01", "site_02")  # a site of each town in each light


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__doc__).parse_args(argv)


def shrink(source, target, maker: str) -> None:
    """Write a smaller copy of a figure, in few colours."""
    from PIL import Image

    from urbancam.workflow.files import atomic
    from urbancam.workflow.paths import shown

    if not source.is_file():
        raise errors.InputError(f"{shown(source)} is missing", shown(source), f"run {maker} first")
    with Image.open(source) as image:
        size = WIDTH_PX, round(image.height * WIDTH_PX / image.width)
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    with atomic(target) as temporary:
        small.save(temporary, optimize=True)


def join_towns(data, target) -> None:
    """A picture of the rendered towns: a column for each, a line for each light."""
    from PIL import Image

    from urbancam.workflow.files import atomic

    files = [sorted((data / "cities_data").glob(f"*/{site}/0.jpg")) for site in SITES]
    if not all(files):
        raise errors.InputError(
            "the rendered towns are missing", data / "cities_data", "run ./run.sh cities first"
        )
    made = Image.new("RGB", ((TOWN_PX + 2) * len(files[0]), (TOWN_PX + 2) * len(SITES)), "white")
    for line, row in enumerate(files):
        for column, file in enumerate(row):
            with Image.open(file) as site:
                made.paste(
                    site.resize((TOWN_PX, TOWN_PX)), (column * (TOWN_PX + 2), line * (TOWN_PX + 2))
                )
    with atomic(target) as temporary:
        made.quantize(COLOURS).save(temporary, optimize=True)


def refresh(args: argparse.Namespace) -> int:
    from urbancam.demo import picture
    from urbancam.workflow import settings
    from urbancam.workflow.paths import ROOT

    made = settings.load(args.run, args.set)
    paths = runner.find_paths(made, args)
    results = paths.results
    for folder, (names, maker) in PICTURES.items():
        for name in names:
            shrink(results / folder / f"{name}.png", ROOT / "imgs" / f"{name}.png", maker)
    shrink(results / SHEET, ROOT / "imgs" / "relevance_sheet.png", "./run.sh cities")
    join_towns(paths.data, ROOT / "imgs" / "demo_towns.png")
    picture.write_picture(made, ROOT / "imgs" / "demo_city.png")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: refresh(args))


if __name__ == "__main__":
    raise SystemExit(main())
