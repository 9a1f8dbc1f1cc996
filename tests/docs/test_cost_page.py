import re
from pathlib import Path

import pytest

from sweeper.cli.cost import command
from sweeper.results.ledger_file import DOCUMENTED, VERSION

PAGE = (Path(__file__).parents[2] / "docs" / "cost.md").read_text(encoding="utf-8")


def test_the_page_lists_the_columns_of_the_ledger_as_they_are():
    table = PAGE.partition("<!-- ledger -->")[2].partition("<!-- /ledger -->")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\S.*?) \| (.*) \|$", table, re.MULTILINE)
    assert rows == [(name, kind, what) for name, (kind, what) in DOCUMENTED.items()]


def test_the_page_names_the_version_of_the_schema():
    assert f"`sweeper.ledger.version`, now {VERSION}" in PAGE


@pytest.mark.parametrize("option", [name for each in command.params for name in each.opts if name[:1] == "-"])
def test_every_option_of_the_verb_stands_on_the_page(option):
    assert f"`{option}" in PAGE or f" {option} " in PAGE, option
