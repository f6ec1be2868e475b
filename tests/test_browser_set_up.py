"""`./run.sh test` has a browser for the tests of the pages: the one that is there, or one that it
installs, as root or not; where it cannot, it says so."""

from pathlib import Path

import pytest

from houses import make_house, run_sh

pytestmark = pytest.mark.slow

LOG = 'echo "$(basename "$0") $*" >>calls.log\n'
BROWSERS = ("chrom", "google-chrome")


@pytest.fixture
def bare_house(tmp_path) -> Path:
    """The project on a machine without a browser, whose Python only notes what it is called for."""
    house = make_house(tmp_path / "house")
    (house / ".venv" / "bin").unlink()
    write_command(
        house / ".venv" / "bin" / "python", LOG + 'case "$*" in *playwright*) exit 1; esac'
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in ("/usr/bin", "/bin"):
        for path in Path(folder).iterdir():
            if not path.name.startswith((*BROWSERS, "apt", "sudo")):
                (tools / path.name).unlink(missing_ok=True)
                (tools / path.name).symlink_to(path)
    return house


def write_command(path: Path, script: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def tools_of(house: Path) -> Path:
    return house.parent / "tools"


def test_all(house: Path, *words: str) -> tuple[str, str]:
    """What `./run.sh test` says, and the calls it made, a line each."""
    done = run_sh(house, "test", *words, env={"PATH": str(tools_of(house))})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, (house / "calls.log").read_text()


test_all.__test__ = False


def test_a_browser_that_is_there_is_taken(bare_house):
    write_command(tools_of(bare_house) / "chromium", "exit 0")
    said, calls = test_all(bare_house)
    assert said == "" and "playwright" not in calls and "-m pytest" in calls


def test_root_installs_it(bare_house):
    write_command(tools_of(bare_house) / "id", "echo 0")
    write_command(tools_of(bare_house) / "apt-get", LOG)
    said, calls = test_all(bare_house)
    assert "installs Chromium" in said and "left out" not in said
    assert "apt-get install -qq --yes --no-install-recommends chromium" in calls
    assert "playwright" not in calls and "-m pytest" in calls


@pytest.mark.parametrize("user", [0, 1000])
def test_where_it_cannot_be_had_it_is_said_and_the_tests_run(bare_house, user):
    write_command(tools_of(bare_house) / "id", f"echo {user}")
    write_command(tools_of(bare_house) / "apt-get", f"{LOG}exit 100")
    said, calls = test_all(bare_house)
    assert "the tests of the pages are left out" in said and "sudo apt install chromium" in said
    assert ("apt-get" in calls) == (user == 0)  # without sudo nobody else may
    assert "-m playwright install chromium" in calls and "-m pytest" in calls


def test_the_quick_tests_need_none(bare_house):
    said, calls = test_all(bare_house, "quick")
    assert said == "" and "playwright" not in calls


def test_browser_tests_are_marked_and_run_with_all_others(bare_house):
    _, calls = test_all(bare_house)
    assert "not browser" not in calls
