"""Say what of a city's cells, images and land cover fits and what does not, all faults at once, and
draw all three over each other; nothing is fetched, and no result of a step is written.

Reads   what steps 02 to 04 read: the files that the city's city.yaml names, or what is in place of
        INSEE, Urban Atlas and IGN; a WMS is asked for one small image
Writes  results/<city>/check.png
Run     python code/08_check_city.py --city Demo --run demo
"""

import argparse
from typing import TYPE_CHECKING

from urbancam.workflow.files import atomic
from urbancam.workflow.messages import log
from urbancam.workflow.paths import display_path
from urbancam.workflow.running import arguments, runner
from urbancam.workflow.running.job import Request

if TYPE_CHECKING:  # a script that only shows its help does not wait for them
    from urbancam.sources.checking.findings import Findings
    from urbancam.sources.checking.picture import Picture


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    return arguments.parser(__file__, __doc__).parse_args(argv)


def check(args: argparse.Namespace) -> int:
    from urbancam.sources.checking.city import look_at

    request = runner.read_request(args)
    findings, picture = look_at(request.city, request.settings, request.paths)
    if picture is not None:
        write(picture, request)
    return tell(findings, request.city)


def write(picture: "Picture", request: Request) -> None:
    """Draw the picture of the check."""
    from urbancam.showing.figures import style
    from urbancam.showing.figures.check import draw_check

    figure = draw_check(**vars(picture))
    path = request.paths.check_picture
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic(path) as temporary:
        content = style.render(figure, "png", f"check of {request.city}", caption_inside=True)
        temporary.write_bytes(content)
    log.info("saves a picture of all three to %s", display_path(path))


def tell(findings: "list[Findings]", city: str) -> int:
    """Say what was found, then all faults; the exit status."""
    for part in findings:
        for number, line in enumerate(part.lines):
            log.info("%-11s %s", "" if number else f"{part.part}:", line)
    faults = [fault for part in findings for fault in part.faults]
    for fault in faults:
        log.error("error: %s", fault)
    if faults:
        words = "one fault" if len(faults) == 1 else f"{len(faults)} faults"
        log.error("%s cannot be run yet: %s", city, words)
        return 2
    log.info("%s: nothing stands against a run", city)
    return 0


def main(argv: list[str] | None = None) -> int:
    args = parse_args(argv)
    return runner.guard(lambda: check(args))


if __name__ == "__main__":
    raise SystemExit(main())
