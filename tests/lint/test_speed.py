"""No test's verdict hangs on how fast the machine is, unless the test is marked so."""

import ast
from pathlib import Path

TESTS = sorted(Path(__file__).parents[1].rglob("*.py"))
CLOCKS = ("monotonic", "process_time", "perf_counter")
PATIENT = 300
"""Seconds: a test that hangs is ended by pytest's own limit, and none of its own is shorter than this."""


def decorators(function: ast.FunctionDef) -> str:
    return " ".join(ast.unparse(each) for each in function.decorator_list)


def upper_bounds(path: Path) -> list[str]:
    """Assertions that so many seconds have passed at most, outside of what is marked `speed`."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    asserts = [
        node
        for each in functions
        if "mark.speed" not in decorators(each)
        for node in ast.walk(each)
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Compare)
    ]
    return [
        f"{path.name}:{node.lineno}"
        for node in asserts
        if any(f"time.{clock}() -" in ast.unparse(node.test) for clock in CLOCKS)
    ]


def test_seconds_are_held_only_where_a_test_is_marked_speed():
    assert [place for path in TESTS for place in upper_bounds(path)] == []


def test_no_test_has_a_limit_that_a_slow_machine_meets():
    calls = [
        (path, node)
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.timeout"
    ]
    short = [
        f"{path.name}:{node.lineno}"
        for path, node in calls
        if isinstance(node.args[0], ast.Constant) and node.args[0].value < PATIENT
    ]
    assert short == []
