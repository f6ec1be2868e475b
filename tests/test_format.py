"""The print of code and tests is ruff's, ruff finds nothing to say, and nothing grows too long."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "code").rglob("*.py"))
MOST_OF_FILE = 300  # lines of a file
MOST_OF_FUNCTION = 50  # lines of a function, its docstring not counted
MOST_OF_WORK = 25  # lines of a script's `work`, from `def` to its end


@pytest.mark.parametrize("question", [["format", "--check", "--diff"], ["check"]], ids=" ".join)
def test_ruff_has_nothing_to_change(question):
    command = [sys.executable, "-m", "ruff", *question, "--no-cache", "code", "tests"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def functions(path: Path) -> list[ast.FunctionDef]:
    """All functions of a file, methods and those within others too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def lines_of(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def lines_of_docstring(function: ast.FunctionDef) -> int:
    return lines_of(function.body[0]) if ast.get_docstring(function) else 0


def test_no_file_is_too_long():
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {path.name: count for path, count in lines.items() if count > MOST_OF_FILE} == {}


def test_no_function_is_too_long():
    lines = {
        f"{path.name}: {function.name}": lines_of(function) - lines_of_docstring(function)
        for path in FILES
        for function in functions(path)
    }
    assert {name: count for name, count in lines.items() if count > MOST_OF_FUNCTION} == {}


def test_work_of_a_script_reads_computes_and_writes_and_no_more():
    lines = {
        path.name: lines_of(function)
        for path in (ROOT / "code").glob("[0-9][0-9]_*.py")
        for function in functions(path)
        if function.name == "work"
    }
    assert lines
    assert {name: count for name, count in lines.items() if count > MOST_OF_WORK} == {}
