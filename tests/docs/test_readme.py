import functools
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from sweeper.cli import VERBS, sweeper

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "dashboards/README.md",
]


EXAMPLES = ("sweeper/search/neighbors.py", "tests/unit/search/test_neighbors.py")
"""The files that docs/plugins.md adds."""


@functools.cache
def options(verb: str) -> set[str]:
    """The options of a verb and of the verbs below it."""
    found = sweeper.get_command(click.Context(sweeper), verb)
    below = list(found.commands.values()) if isinstance(found, click.Group) else []
    return {"-h", "--help"} | {
        name for each in (found, *below) for param in each.params for name in param.opts
    }


def block(marker: str, page: str = "README.md") -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(rf"<!-- {marker} -->\n```\n(.*?)```", text, re.DOTALL)
    if found is None:
        raise AssertionError(f"{page} has no block after <!-- {marker} -->")
    return found.group(1)


def prose(page: Path) -> str:
    """The page without its fenced blocks, in which `[1](2)` is code and no link."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub names them in links."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_help_in_the_readme_is_the_help():
    """`python docs/refresh.py` writes it anew."""
    printed = CliRunner().invoke(sweeper, ["--help"], prog_name="sweeper", terminal_width=80).output
    assert block("help") == printed


def test_the_answer_in_the_readme_is_the_beginning_of_the_demo():
    """`python docs/refresh.py --demo FILE` writes both anew."""
    assert block("demo", "docs/demo.md").startswith(block("demo head"))


def test_what_to_read_when_names_every_page():
    linked = re.findall(r"\]\(([\w.-]+\.md)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} == set(linked)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_into_a_page_meets_a_heading(page):
    links = re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", prose(page))
    aims = [((page.parent / name) if name else page, anchor) for name, anchor in links]
    assert [anchor for aim, anchor in aims if anchor not in anchors(aim)] == []


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_stands_in_the_readme(verb):
    assert re.search(rf"\b{verb}\b", (ROOT / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", prose(page))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_sweeper_command_of_a_page_names_a_verb(page):
    used = re.findall(r"(?:^|`|\s{4})sweeper ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert [verb for verb in used if verb not in VERBS] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_option_of_a_command_on_a_page_exists(page):
    lines = re.findall(
        r"(?:^|`|\s{4})sweeper ([a-z]+)([^`\n#]*)", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    unknown = [
        f"sweeper {verb} {option}"
        for verb, words in lines
        for option in re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", words)
        if option not in options(verb)
    ]
    assert unknown == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page):
    named = re.findall(
        r"`((?:sweeper|tests|benchmarks|docs|cluster|search_spaces|dashboards)/[\w./-]*)",
        page.read_text(encoding="utf-8"),
    )
    assert [name for name in named if not (ROOT / name).exists() and name not in EXAMPLES] == []
