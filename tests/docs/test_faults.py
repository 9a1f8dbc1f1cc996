"""docs/faults.md: 28 faults, each with tests that exist or a reason."""

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
FAULTS = re.findall(
    r"^### (\d+)\. (.+)\n\n((?:.+\n|\n(?!-))+)\n- Test: ((?:.+\n(?!- ))*.+)\n- Last green: (\S+)$",
    PAGE,
    re.MULTILINE,
)
REASONS = ("no test: ", "Not provoked: ", "cannot be made")


def test_the_28_faults_stand_in_their_order_in_the_table_and_below_it():
    numbers = [str(number) for number in range(1, 29)]
    assert [row[0] for row in ROWS] == numbers
    assert [fault[0] for fault in FAULTS] == numbers


@pytest.mark.parametrize(
    ("row", "fault"), list(zip(ROWS, FAULTS, strict=True)), ids=[fault[1] for fault in FAULTS]
)
def test_a_row_leads_to_its_fault_and_says_what_it_costs(row, fault):
    number, title, *_ = fault
    anchor = re.sub(r"[^a-z0-9 -]", "", f"{number} {title}".lower()).replace(" ", "-")
    assert row[1].lower() == f"[{title.lower()}](#{anchor})"
    _, _, redone, seconds = row
    assert redone
    assert seconds


@pytest.mark.parametrize("fault", FAULTS, ids=[fault[1] for fault in FAULTS])
def test_a_fault_says_what_one_sees_and_names_tests_that_exist_or_a_reason(fault):
    _, _, seen, tests, green = fault
    assert seen.strip()
    names = re.findall(r"`([\w/]*test_\w+\.py)`", tests)
    assert names or any(reason in tests for reason in REASONS)
    assert [name for name in names if not (ROOT / name).is_file()] == []
    assert re.fullmatch(r"20\d\d-\d\d-\d\d" if names else "-", green)
