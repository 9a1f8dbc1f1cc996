"""Text that a stranger chose reaches a terminal as text, whatever verb shows it."""

import re

import pytest

from sweeper.cli import run
from sweeper.trial import Report

HOSTILE = "\x1b[2J\x1b]0;title\x07\x9b31m\u202ekcab\u2066\x00\x08red"
TYPED = HOSTILE.replace("\x00", "")  # the one character that no command line can hold
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
VERBS = [
    ("list",), ("status", "toy"), ("best", "toy"), ("best", "toy", "--trials"), ("cost", "toy"),
    ("logs", "toy"), ("logs", "toy", "0"), ("compare", "toy", "toy"), ("show", "toy", "--trial", "0"),
    ("list", "--json"), ("status", "toy", "--json"), ("best", "toy", "--json"), ("cost", "toy", "--json"),
    ("logs", "toy", "--json"), ("cost", "toy", "--format", "json"), ("cost", "toy", "--format", "csv"),
]  # fmt: skip


def failing(trial):
    yield Report(1, 0.5, 0.1, {"valid/top1": 0.5}, None)
    raise RuntimeError(f"no such file: {HOSTILE}")


@pytest.fixture
def hostile(make_run):
    """A sweep whose description, choices and failures hold what repaints a terminal and turns text around."""
    return make_run(
        parameters={"activation": [f"relu{HOSTILE}", HOSTILE], "layers": {"min": 1, "max": 3}},
        description=f"a sweep {HOSTILE}",
        budget={"trials": 3},
        workload=failing,
        meta={"created": f"2026{HOSTILE}", "git_revision": HOSTILE, "classes": f'["a", "{chr(0x202E)}b"]'},
    )


@pytest.mark.slow(reason="every verb that reads a sweep, one after the other")
def test_no_verb_lets_a_name_or_a_message_repaint_the_terminal(hostile, say):
    shown = {words: said.out + said.err for words in VERBS for said in (say(*words),)}
    assert {words: UNSAFE.findall(text) for words, text in shown.items() if UNSAFE.search(text)} == {}
    assert "red" in shown["logs", "toy"], "what is harmless of it is still told"


@pytest.mark.parametrize(
    "words",
    [
        ("launch", f"{TYPED}.yaml"),
        (f"sta{TYPED}tus",),
        ("status", TYPED),
        ("launch", "x.yaml", "-o", f"{TYPED}=1"),
        ("data", "inspect", f"--{TYPED}"),
        ("best", "--by", TYPED, "toy"),
    ],
)
def test_no_refusal_repaints_the_terminal(runs, capsys, words):
    assert run(words) != 0
    said = capsys.readouterr()
    assert UNSAFE.findall(said.out + said.err) == []


def test_a_password_on_the_command_line_is_not_said_again(say, tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("name: a\ndataset: {source: digits}\nparameters: {layers: [1]}\n")
    said = say("launch", str(file), "-o", "tracking.uri=ftp://ada:hunter2@host/x?token=s3cret")
    assert said.code == 2
    assert "hunter2" not in said.err + said.out
    assert "s3cret" not in said.err + said.out
    assert "ada:***@host" in said.err
