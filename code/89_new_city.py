"""Write the commented settings file of a city of one's own; one that is there is left as it is.

Reads   code/config/templates/city.yaml
Writes  data/cities/<city>/city.yaml
Run     python code/89_new_city.py --city Poznan
"""

import argparse

from urbancam.workflow.errors import InputError
from urbancam.workflow.paths import ROOT, city_file, display_path, folder_name
from urbancam.workflow.running import arguments, runner


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__file__, __doc__)
    parser.add_argument("--city", required=True, metavar="NAME", help="name of the city")
    return parser.parse_args(argv)


def write_file(args: argparse.Namespace) -> int:
    from urbancam.workflow.settings import new_city, settings

    if not folder_name(args.city):
        raise InputError(f"{args.city!r} is not a city's name", "--city", "e.g. --city Poznan")
    data = args.data or ROOT / settings.load(args.run, args.set).data_dir
    file = city_file(data.resolve(), args.city)
    if file.exists():
        raise InputError(
            f"{args.city} has a file of settings already",
            display_path(file),
            "edit it, or move it away first",
        )
    new_city.write(file, args.city)
    print(f"writes {display_path(file)}: put your files beside it and say there what they hold,")
    print(f"then ./run.sh check {args.city}; docs/own-data.md leads through it")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: write_file(args))


if __name__ == "__main__":
    raise SystemExit(main())
