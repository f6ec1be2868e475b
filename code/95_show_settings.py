"""Show every setting of a run with the file that it comes from; or describe all settings to
editors.

Reads   code/config/; with --city what the city says of itself, data/cities/<city>/city.yaml
Writes  nothing; with --schema code/config/schema.json, which the settings files name
Run     python code/95_show_settings.py --run demo [--city NAME] [--schema]
"""

import argparse
import json

from urbancam.workflow.files import atomic
from urbancam.workflow.paths import CONFIG, display_path
from urbancam.workflow.running import arguments, runner


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = arguments.parser(__file__, __doc__)
    parser.add_argument(
        "--city",
        default="",
        metavar="NAME",
        help="also what this city says of itself",
    )
    parser.add_argument(
        "--schema",
        action="store_true",
        help="write code/config/schema.json, by which editors complete and check settings files",
    )
    return parser.parse_args(argv)


def show(args: argparse.Namespace) -> int:
    from urbancam.workflow.settings import as_yaml, settings

    layers = settings.read_layers(args.run, args.set, city=args.city, data=args.data)
    print(as_yaml.render(layers), end="")
    return 0


def write_schema() -> int:
    from urbancam.workflow.settings import schema

    path = CONFIG / schema.FILE_NAME
    text = json.dumps(schema.describe(), indent=1, ensure_ascii=False)
    with atomic(path) as temporary:
        temporary.write_text(f"{text}\n", encoding="utf-8")
    print(f"writes {display_path(path)}")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: write_schema() if args.schema else show(args))


if __name__ == "__main__":
    raise SystemExit(main())
