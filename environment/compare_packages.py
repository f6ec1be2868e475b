"""Say whether this Python holds the packages of the lock, and where their versions differ.

Standard library only: it is asked before anything is installed.

Run     python environment/compare_packages.py environment/requirements.lock
Prints  "holds all packages", with the versions that differ from the lock; or "lacks ..." (status 1)
"""

import importlib.metadata
import re
import sys
from pathlib import Path

# Packages that only serve the installation, the tests, or one kind of machine.
NOT_NEEDED = re.compile(
    r"nvidia-.*|cuda-.*|triton|uv|ruff|pytest.*|hypothesis|playwright|greenlet|pyee|colorama"
)
PIN = re.compile(r"([a-z0-9-]+)==([^ ;\\]+)(?: ; (.+?))? \\")
PYTHON_MARKER = re.compile(r"python_full_version (<|>=) '(\d+)\.(\d+)'")


def pins(lock: str) -> dict[str, str]:
    """Version of each package of the lock that this Python needs, on whatever machine."""
    found = [match.groups() for line in lock.splitlines() if (match := PIN.fullmatch(line))]
    return {
        name: version
        for name, version, marker in found
        if not NOT_NEEDED.fullmatch(name) and (marker is None or _is_for_this_python(marker))
    }


def _is_for_this_python(marker: str) -> bool:
    """Whether a marker asks for this version of Python, and for nothing else."""
    match = PYTHON_MARKER.fullmatch(marker)
    if not match:
        return False
    is_older = sys.version_info < (int(match[2]), int(match[3]))
    return is_older == (match[1] == "<")


def installed_version(name: str) -> str | None:
    """Version of a package without what tells its build (2.14.1+cpu); None where it is not here."""
    try:
        return importlib.metadata.version(name).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return None


def compare(wanted: dict[str, str], installed: dict[str, str | None]) -> str:
    """One sentence: what is lacking; else which versions are others."""
    if lacking := [name for name in wanted if installed[name] is None]:
        more = f" and {len(lacking) - 4} more packages" if len(lacking) > 4 else ""
        return f"lacks {', '.join(lacking[:4])}{more}"
    others = [
        f"{name} {installed[name]} (lock: {version})"
        for name, version in wanted.items()
        if installed[name] != version
    ]
    if not others:
        return "holds all packages"
    return f"holds all packages, in other versions than the lock: {', '.join(others)}"


def main() -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - it asks whatever Python there is
        return 1
    wanted = pins(Path(sys.argv[1]).read_text(encoding="utf-8"))
    sentence = compare(wanted, {name: installed_version(name) for name in wanted})
    print(sentence)
    return sentence.startswith("lacks")


if __name__ == "__main__":
    raise SystemExit(main())
