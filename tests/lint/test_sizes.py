"""The limits that keep a page readable: no list of exceptions, so that none can grow."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*(ROOT / "sweeper").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SENTENCE = re.compile(r"test(_[a-z0-9]+){2,}")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def functions(path: Path) -> list[Function]:
    return [node for node in ast.walk(tree(path)) if isinstance(node, Function)]


def length(function: Function) -> int:
    """From `def` to the last line, without the docstring: explaining is not what makes a function long."""
    first = function.body[0]
    has_docstring = ast.get_docstring(function, clean=False) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def where(path: Path, node: ast.AST | None = None) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_has_300_lines_at_most(path):
    assert len(path.read_text().splitlines()) <= 300


def test_no_function_is_over_60_lines_and_fewer_than_one_in_a_hundred_over_50():
    lengths = {where(path, each): length(each) for path in SOURCES for each in functions(path)}
    assert {place: lines for place, lines in lengths.items() if lines > 60} == {}
    long = {place: lines for place, lines in lengths.items() if lines > 50}
    assert len(long) < len(lengths) / 100, long


def test_every_test_is_named_by_a_sentence():
    bad = [
        f"{where(path, each)} {each.name}"
        for path in TESTS
        for each in functions(path)
        if each.name.startswith("test") and not SENTENCE.fullmatch(each.name)
    ]
    assert bad == []


def test_no_test_patches_our_own_code():
    """Fakes instead: the simulated runner, a synthetic source, a clock that is an argument."""
    bad = [
        f"{where(path, node)} {ast.unparse(node)[:80]}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if _patches(node)
    ]
    assert bad == []


def _patches(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        return any(name.name.startswith("unittest.mock") for name in node.names)
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith("unittest")
    return isinstance(node, ast.arg) and node.arg == "mocker"


def test_only_the_command_line_and_the_registry_import_inside_functions():
    bad = [
        where(path, inner)
        for path in SOURCES
        if path.is_relative_to(ROOT / "sweeper")
        and not path.is_relative_to(ROOT / "sweeper" / "cli")
        and path.name != "registry.py"
        for function in functions(path)
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert bad == []


def test_every_broad_except_stands_at_the_runners_boundary():
    broad = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.is_relative_to(ROOT / "sweeper")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ExceptHandler) and _is_broad(node)
    }
    assert broad <= {"sweeper/runners/parts/run_attempt.py", "sweeper/runners/ray/cluster.py"}


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or ast.unparse(handler.type) in ("Exception", "BaseException")
