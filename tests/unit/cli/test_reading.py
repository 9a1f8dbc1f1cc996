"""A verb that reads writes nothing: a record can be looked at where nothing can be written."""

import pytest

from sweeper.cli.parts.ending import say as say_end
from sweeper.launch.driver import Ending

READING = [
    ("best",),
    ("best", "--json"),
    ("best", "--by", "cost"),
    ("status",),
    ("status", "--json"),
    ("cost",),
    ("cost", "--format", "csv"),
    ("logs",),
    ("logs", "0"),
    ("compare", "other"),
]


def contents(root):
    """Every file with its bytes and the time of its last change."""
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("ending", ["done", "interrupted"])
@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_what_only_reads_changes_no_file(words, ending, make_run, runs, say, capsys):
    make_run("other")
    paths = make_run("toy", ending)
    say_end(Ending(0, "done", 0), paths)
    verb, *options = words
    before = contents(runs)
    assert say(verb, "toy", *options).code == 0
    assert contents(runs) == before


@pytest.mark.parametrize("ending", ["done", "interrupted"])
def test_a_list_of_sweeps_changes_no_file(ending, make_run, runs, say):
    make_run("toy", ending)
    before = contents(runs)
    assert say("list").code == 0
    assert contents(runs) == before
