"""The print of code and tests is ruff's, and ruff finds nothing to say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("question", [["format", "--check", "--diff"], ["check"]], ids=" ".join)
def test_ruff_has_nothing_to_change(question):
    command = [sys.executable, "-m", "ruff", *question, "--no-cache", "code", "tests"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
