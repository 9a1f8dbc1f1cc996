"""docs/faults.md: 28 rows, each with tests that exist or a reason."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if re.match(r"\| \d+ \|", line)
]
REASONS = ("no test: ", "Not provoked: ", "cannot be made")


def test_the_28_faults_stand_in_their_order():
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 29)]


@pytest.mark.parametrize("row", ROWS, ids=[row[1] for row in ROWS])
def test_a_row_says_what_one_sees_and_names_tests_that_exist_or_a_reason(row):
    _, fault, seen, tests, green, redone, seconds = row
    assert fault
    assert seen
    names = re.findall(r"`([\w/]*test_\w+\.py)`", tests)
    assert names or any(reason in tests for reason in REASONS)
    for name in names:
        found = list(ROOT.glob(f"tests/**/{name}")) if "/" not in name else [ROOT / name]
        assert any(path.is_file() for path in found), name
    assert re.fullmatch(r"20\d\d-\d\d-\d\d" if names else "-", green)
    assert redone
    assert seconds
