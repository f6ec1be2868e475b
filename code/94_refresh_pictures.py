"""Refresh the pictures of the README from the demo's own figures, smaller.

Reads   figures of results/Demo/demo/, results/Demo/demo-full/ and results/cities/demo/, the demo's plan
Writes  imgs/*.png
Run     python code/94_refresh_pictures.py --run demo
"""

import argparse

from urbancam import command

WIDTH_PX = 900
COLOURS = 160  # of the palette; keeps each picture below 300 kB
PICTURES = {  # folder of a run below results/ -> its figures, and the command that makes them
    "Demo/demo/figures": (("class_maps", "scores", "activation_ratios", "polar_ratios", "cell_sheet"), "./run.sh"),
    "Demo/demo-full/figures": (("leakage", "calibration", "controls", "deletion"), "./run.sh --run demo-full"),
    "cities/demo/figures": (("city_confusion", "colour_controls", "city_tree"), "./run.sh cities"),
}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__).parse_args(argv)


def shrink(source, target, maker: str) -> None:
    """Write a smaller copy of a figure, in few colours."""
    from PIL import Image

    from urbancam.paths import shown
    from urbancam.records import atomic

    if not source.is_file():
        raise command.InputError(f"{shown(source)} is missing", shown(source), f"run {maker} first")
    with Image.open(source) as image:
        size = WIDTH_PX, round(image.height * WIDTH_PX / image.width)
        small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
    with atomic(target) as temporary:
        small.save(temporary, optimize=True)


def refresh(args: argparse.Namespace) -> int:
    from urbancam import settings
    from urbancam.demo import picture
    from urbancam.paths import ROOT

    made = settings.load(args.run, args.set)
    results = command.find_paths(made, args).results
    for folder, (names, maker) in PICTURES.items():
        for name in names:
            shrink(results / folder / f"{name}.png", ROOT / "imgs" / f"{name}.png", maker)
    picture.write_picture(made, ROOT / "imgs" / "demo_city.png")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return command.guard(lambda: refresh(args))


if __name__ == "__main__":
    raise SystemExit(main())
