import errno
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

import sweeper.cli as cli
from sweeper.cli import VERBS
from sweeper.cli.parts import options
from sweeper.errors import BusyError, DataError, SpecError

HELP = """\
import sys
from sweeper.cli import run
code = run(["--help"])
heavy = [name for name in ("torch", "ray", "mlflow", "optuna", "numpy", "yaml") if name in sys.modules]
print(code, heavy)
"""


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


@pytest.mark.speed
def test_help_takes_half_a_second() -> None:
    before = os.times()
    subprocess.run([sys.executable, "-c", HELP], capture_output=True, check=True)
    after = os.times()
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.5


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    command: click.Command = importlib.import_module(VERBS[verb][0]).command
    assert cli.run([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"sweeper {verb}" in shown
    assert command.help
    assert command.epilog is None or "Example" in shown


def test_without_a_verb_the_sweeps_or_the_help_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path))
    assert cli.run([]) == 0
    assert capsys.readouterr().out


def test_a_disk_that_is_full_wherever_a_verb_meets_it_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    def fill() -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/runs/toy/sweep.yaml")

    assert cli.run(["fill"], click.Group(commands={"fill": fill})) == 5
    said = capsys.readouterr().err
    assert said == "error: /runs/toy/sweep.yaml: No space left on device; make room, then type it again\n"


USAGE = [
    (["lunch"], "error: no verb is called 'lunch'; did you mean 'launch'? (see `sweeper --help`)"),
    (["--bogus"], "error: No such option '--bogus'. (see `sweeper --help`)"),
    (["validate"], "error: Missing argument 'FILE'. (see `sweeper validate --help`)"),
    (
        ["validate", "nowhere.yaml"],
        "error: nowhere.yaml: there is no such file; `sweeper init nowhere.yaml` writes one to start with",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(row[0]) for row in USAGE])
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.err.strip() == message
    assert captured.out == ""


def _verb_that(action: object) -> click.Command:
    @click.command()
    def command() -> object:
        if isinstance(action, BaseException):
            raise action
        return action

    return command


ENDINGS: list[tuple[object, int, str]] = [
    (None, 0, ""),
    (3, 3, ""),
    (SpecError("wrong\n  twice", where="a.yaml:3", hint="see b"), 2, "error: a.yaml:3: wrong twice; see b\n"),
    (DataError("no images"), 2, "error: no images\n"),
    (BusyError("busy"), 75, "error: busy\n"),
    (KeyboardInterrupt(), 130, "error: interrupted\n"),
]


@pytest.mark.parametrize(("action", "code", "message"), ENDINGS, ids=[repr(row[0]) for row in ENDINGS])
def test_a_verb_ends_the_process_with_its_own_code(
    action: object,
    code: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verbs = click.Group(commands={"validate": _verb_that(action)})
    assert cli.run(["validate"], verbs) == code
    assert capsys.readouterr().err.strip() == message.strip()


def test_a_reader_that_leaves_is_no_error() -> None:
    root = Path(__file__).parents[3]
    command = f"{sys.executable} -m sweeper schema | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_shell_completes_verbs_and_the_names_of_sweeps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    context = click.Context(cli.sweeper)
    assert [item.value for item in cli.sweeper.shell_complete(context, "va")] == ["validate"]
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))
    assert options.complete_sweep(context, click.Argument(["sweep"]), "") == []
    for name in ("digits", "digits-2", "food"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "record.db").touch()
    (tmp_path / "runs" / "digits-empty").mkdir()
    found = options.complete_sweep(context, click.Argument(["sweep"]), "dig")
    assert [item.value for item in found] == ["digits", "digits-2"]


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    if cli.run(["--version"]) == 0:
        assert capsys.readouterr().out.startswith("sweeper 0.")


def test_the_schema_is_json_on_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["schema"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["$schema"].startswith("http://json-schema.org/draft-07/")
    assert captured.err == ""
