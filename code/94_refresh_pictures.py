"""Refresh the pictures of the README from the demo city's own figures, smaller.

Reads   results/Demo/demo/figures/*.png, the demo's plan
Writes  imgs/*.png
Run     python code/94_refresh_pictures.py --run demo
"""

import argparse

from urbancam import command

WIDTH_PX = 900
COLOURS = 160  # of the palette; keeps each picture below 300 kB
FIGURES = ("class_maps", "scores", "activation_ratios", "polar_ratios", "cell_sheet")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return command.parser(__doc__).parse_args(argv)


def refresh(args: argparse.Namespace) -> int:
    from PIL import Image

    from urbancam import settings
    from urbancam.demo import picture
    from urbancam.paths import ROOT, shown
    from urbancam.records import atomic

    made = settings.load(args.run, args.set)
    args.city = "Demo"
    paths = command.find_paths(made, args)
    for name in FIGURES:
        source = paths.figures / f"{name}.png"
        if not source.is_file():
            raise command.InputError(f"{shown(source)} is missing", shown(source), "run ./run.sh first")
        with Image.open(source) as image:
            size = WIDTH_PX, round(image.height * WIDTH_PX / image.width)
            small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS).quantize(COLOURS)
        with atomic(ROOT / "imgs" / source.name) as temporary:
            small.save(temporary, optimize=True)
    picture.write_picture(made, ROOT / "imgs" / "demo_city.png")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return command.guard(lambda: refresh(args))


if __name__ == "__main__":
    raise SystemExit(main())
