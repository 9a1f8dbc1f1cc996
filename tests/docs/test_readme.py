import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from sweeper.cli import VERBS, sweeper

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "CONTRIBUTING.md",
    ROOT / "dashboards/README.md",
]


def block(marker: str) -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {marker} -->\n```\n(.*?)```", text, re.DOTALL)
    if found is None:
        raise AssertionError(f"README.md has no block behind <!-- {marker} -->")
    return found.group(1)


def test_the_help_in_the_readme_is_the_help():
    """`python docs/refresh.py` writes it anew."""
    printed = CliRunner().invoke(sweeper, ["--help"], prog_name="sweeper", terminal_width=80).output
    assert block("help") == printed


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_stands_in_the_readme(verb):
    assert re.search(rf"\b{verb}\b", (ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_sweeper_command_of_a_page_names_a_verb(page):
    used = re.findall(r"(?:^|`|\s{4})sweeper ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [verb for verb in used if verb not in VERBS] == []
