"""The pages can be read: short lines, short sentences, short cells."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "dashboards" / "README.md",
]
GENERATED = "<!-- generated -->"
"""What stands after it on a page is made from the code, and worded there."""

LINE, CELL, SENTENCE = 120, 25, 35
ENDS = re.compile(r"(?<=[.?!])[\"')*]*\s+(?=[A-Z`*\[(\"0-9])")


def written(page: Path) -> list[str]:
    """The lines of a page that a person wrote: no code block, nothing generated."""
    text = page.read_text(encoding="utf-8").partition(GENERATED)[0]
    return re.sub(r"^( *)```.*?^ *```[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE).splitlines()


def is_row(line: str) -> bool:
    return line.lstrip().startswith("|")


def words(text: str) -> int:
    """A code span and the address of a link are one word each."""
    text = re.sub(r"`[^`]*`", "code", text)
    return len(re.sub(r"\]\([^)]*\)", "]", text).split())


def paragraphs(lines: list[str]) -> Iterator[str]:
    """Paragraphs and list items, each in one line."""
    held: list[str] = []
    for line in [*lines, ""]:
        is_new = re.match(r"\s*([-*]|\d+\.) |    \S|#|>", line) is not None
        if (not line.strip() or is_new or is_row(line)) and held:
            yield " ".join(held)
            held = []
        if line.strip() and not is_row(line) and not re.match(r"#|    \S|<!--", line):
            held.append(re.sub(r"^\s*([-*]|\d+\.) ", "", line).strip())


def sentences(lines: list[str]) -> Iterator[str]:
    for paragraph in paragraphs(lines):
        plain = re.sub(r"`[^`]*`", "Code", paragraph)
        yield from ENDS.split(plain)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_line_fits_an_editor(page):
    assert [line for line in written(page) if len(line) > LINE and not is_row(line)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_cell_of_a_table_is_a_phrase(page):
    rows = [line for line in written(page) if is_row(line)]
    cells = [cell for row in rows for cell in re.split(r"(?<!\\)\|", row)]
    assert [cell for cell in cells if words(cell) > CELL] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_sentence_is_one_breath(page):
    assert [each for each in sentences(written(page)) if words(each) > SENTENCE] == []
