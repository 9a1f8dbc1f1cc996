"""One module writes files: elsewhere a write that is cut off would leave half a file or follow a link."""

import ast
from pathlib import Path

import pytest

SWEEPER = Path(__file__).parents[2] / "sweeper"
SOURCES = sorted(path for path in SWEEPER.rglob("*.py") if path != SWEEPER / "files.py")
ALLOWED = {
    ("launch/recovery.py", "left.replace(record.with_name(f'{record.name}.damaged{end}'))"): (
        "a damaged record is set aside, nothing is written"
    ),
    ("training/checkpoint_names.py", "path.rename(inherited)"): "a checkpoint gets another attempt's name",
}


def writes(path: Path) -> list[str]:
    """The calls of a module that write or rename a file by themselves."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [ast.unparse(call) for call in calls if is_write(call)]


def is_write(call: ast.Call) -> bool:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    texts = [arg.value for arg in (*call.args, *(each.value for each in call.keywords)) if is_text(arg)]
    if name == "open":
        return any(set(text) <= set("wabt+") and text[:1] in ("w", "a") for text in texts)
    if name in ("replace", "rename", "renames"):  # `str.replace` takes two, `dataclasses.replace` keywords
        of_os = ast.unparse(function).startswith(("os.", "shutil."))
        return of_os or (len(call.args) == 1 and not call.keywords)
    return name in ("write_text", "write_bytes", "savez", "NamedTemporaryFile", "mkstemp", "FileHandler")


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_only_files_py_writes_and_replaces_files():
    found = [(str(path.relative_to(SWEEPER)), call) for path in SOURCES for call in writes(path)]
    assert [each for each in found if each not in ALLOWED] == []


def test_every_exception_is_still_needed():
    found = {(str(path.relative_to(SWEEPER)), call) for path in SOURCES for call in writes(path)}
    assert set(ALLOWED) - found == set()


@pytest.mark.parametrize(
    "code",
    [
        "path.write_text('x')",
        "path.write_bytes(b'x')",
        "path.open('w')",
        "path.open(mode='wb')",
        "path.open('a')",
        "open(path, 'w', encoding='utf-8')",
        "aside.replace(path)",
        "aside.rename(path)",
        "os.replace(aside, path)",
        "logging.FileHandler(path)",
    ],
)
def test_each_way_to_write_is_seen(code):
    assert is_write(ast.parse(code, mode="eval").body)


@pytest.mark.parametrize(
    "code", ["text.replace('a', 'b')", "dataclasses.replace(row, rank=1)", "path.open('rb')", "path.open()"]
)
def test_what_only_looks_like_a_write_is_not_refused(code):
    assert not is_write(ast.parse(code, mode="eval").body)
