"""Put what a run came to into one zip for a repository of research data; the same results give the
same zip.

Reads   results/<city>/<run>/ (tables, figures, pages, layers, records), results/<city>/*.json,
        results/<city>/images.csv, results/README.md, code/config/, CITATION.cff, LICENSE
Writes  results/exports/<city>-<run>-v<version>.zip, a new version where something changed
Run     python code/96_export_results.py --city Demo --run demo
"""

import argparse

from urbancam.workflow.files import atomic
from urbancam.workflow.paths import display_path
from urbancam.workflow.running import arguments, runner


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def export(args: argparse.Namespace) -> int:
    from urbancam.workflow.export import archives, deposit

    request = runner.read_request(args)
    contents = deposit.collect(request, args)
    earlier = archives.versions(deposit.folder(request), deposit.name(request))
    changes = deposit.changes_since(earlier, contents)
    version = max(earlier, default=0)
    if version and not changes:
        print(f"nothing changed since version {version}: {display_path(earlier[version])}")
        return 0
    contents = deposit.with_version(contents, version + 1, changes, request)
    target = deposit.folder(request) / f"{deposit.name(request)}-v{version + 1}.zip"
    with atomic(target) as temporary:
        archives.write(temporary, contents)
    megabytes = target.stat().st_size / 1e6
    print(f"writes {display_path(target)}: {len(contents)} files, {megabytes:.1f} MB")
    for line in changes:
        print(f"  {line}")
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: export(args))


if __name__ == "__main__":
    raise SystemExit(main())
