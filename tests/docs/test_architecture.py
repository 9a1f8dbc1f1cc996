"""docs/architecture.md is the architecture: its layers, its hops and its files are those of the tree."""

import re
from pathlib import Path

import pytest

from tests.lint.house import modules, own_imports

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MOST_HOPS = {"launch": (7, 9), "report": (7, 8)}
"""Files in which what travels takes another form, and files that touch it at all."""


def layers() -> dict[str, int]:
    """Each folder or file at the top of `sweeper/` with the line of the drawing that it stands on."""
    drawn = PAGE.partition("<!-- layers -->\n```\n")[2].partition("```")[0]
    lines = [re.match(r"\w+(?:\s*\|\s*\w+)*", line) for line in drawn.splitlines()]
    return {
        name.strip(): height
        for height, found in enumerate(reversed(lines))
        for name in (found.group() if found else "").split("|")
    }


def hops(name: str) -> list[list[str]]:
    """The files of each row of a table, first the one that changes what travels."""
    table = PAGE.partition(f"<!-- hops: {name} -->")[2].partition("<!-- /hops -->")[0]
    return [re.findall(r"`(sweeper/[\w/]+\.py)`", row) for row in table.splitlines() if "`sweeper/" in row]


def test_every_room_of_the_package_stands_on_one_line_of_the_drawing():
    top = [path for path in (ROOT / "sweeper").iterdir() if path.is_dir() or path.suffix == ".py"]
    assert sorted(layers()) == sorted(path.stem for path in top if not path.name.startswith("_"))


def test_no_import_leads_up_or_sideways_in_the_drawing():
    heights, found = layers(), modules(ROOT)
    known = {module.name for module in found}
    wrong = [
        f"{module.name} -> {other}"
        for module in found
        for other in own_imports(module, known)
        if (upper := module.name.split(".")[1:2]) != (lower := other.split(".")[1:2])
        and heights.get("".join(upper), 99) <= heights.get("".join(lower), 99)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", MOST_HOPS)
def test_the_hops_of_a_trial_are_few_and_counted_on_the_page(name):
    rows = hops(name)
    touched = {file for row in rows for file in row}
    changing, touching = MOST_HOPS[name]
    assert 0 < len(rows) <= changing
    assert len(touched) <= touching
    assert f"That makes {len(rows)} files that change it, and {len(touched)} that touch it." in PAGE
    assert [file for file in touched if not (ROOT / file).is_file()] == []
