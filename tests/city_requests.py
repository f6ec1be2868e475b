"""What a script is asked for when it is called for a city, for tests."""

from pathlib import Path

from urbancam.workflow.running import runner, scripts
from urbancam.workflow.running.job import Request


def request_of(city: str, run: str, folder: Path, *words: str) -> Request:
    """The request of a city and run whose data and results lie in a folder."""
    places = ["--data", str(folder / "data"), "--results", str(folder / "results")]
    words = ["--city", city, "--run", run, *places, *words]
    return runner.read_request(scripts.load("90_show_status").parse_args(words))
