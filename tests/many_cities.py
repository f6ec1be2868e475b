"""Many finished cities in one folder of results, copies of one, with records that hold."""

import os
import shutil
from pathlib import Path

from urbancam.workflow import catalogue
from urbancam.workflow.cluster import tasks
from urbancam.workflow.records.steps import Done
from urbancam.workflow.running import scripts
from urbancam.workflow.running.arguments import words
from urbancam.workflow.running.job import Request


def copy_city(city: Path, copy: Path) -> None:
    """A city's results under another name, in place of what was there.

    Its records tell the copy's name, and its own for the copy's: what it reads of the copy, the
    copy reads of it. Files are linked, so that they keep their times and are not hashed anew.

    Args:
        city: `results/<city>`.
        copy: `results/<other name>`, in the same folder or another one.
    """
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(city, copy, copy_function=os.link)
    for path in [path for path in copy.rglob(f"*{city.name}*") if path.is_file()]:
        path.rename(path.with_name(path.name.replace(city.name, copy.name)))
    for record in copy.rglob("*.json"):
        parts = record.read_text().replace(str(city.parent), str(copy.parent)).split(city.name)
        record.unlink()  # else the city's own would be changed
        record.write_text(copy.name.join(part.replace(copy.name, city.name) for part in parts))


def finish(request: Request) -> None:
    """Let each result of a city that is missing or stale count as made of what is there now; one
    that is missing is empty."""
    calls = tasks.calls_with_record(request)
    for call in [call for call in calls if call.entry.experiment != catalogue.BOTH]:
        asked = words(request.args, call.entry.script, variant=call.variant)
        for step in scripts.declared(call.entry.script, asked)[1]:
            if step.stale_because():
                for output in [path for path in step.all_outputs if not path.exists()]:
                    output.parent.mkdir(parents=True, exist_ok=True)
                    output.touch()
                step.as_on_disk().finish(0, Done(step.record.get("counts", {})))


def finish_copies(request: Request, names: list[str]) -> None:
    """Copies of a finished city beside it, and each is up to date with all others at hand.

    Args:
        request: For the city.
        names: Of the copies.
    """
    city = request.paths.city_folder
    copies = [city.with_name(name) for name in names]
    for copy in copies:
        copy_city(city, copy)
    finish(request)  # with what it takes from the copies
    for copy in copies:
        copy_city(city, copy)
