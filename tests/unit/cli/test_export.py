import json
from pathlib import Path

from sweeper.cli import run
from sweeper.cli.export import FORMATS
from sweeper.export import exporter


def test_every_format_can_be_asked_for() -> None:
    assert sorted(FORMATS) == list(exporter)


def test_the_best_trial_is_written_where_it_is_wanted(shelf, tmp_path: Path, capsys) -> None:
    out = tmp_path / "model.safetensors"
    assert run(["export", "shelf", "--format", "safetensors", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out}: 0.0 MB, trial ")
    assert out.is_file()


def test_json_says_where_it_is_and_how_near(shelf, tmp_path: Path, capsys) -> None:
    out = tmp_path / "model.safetensors"
    command = ["export", "shelf", "--format", "safetensors", "--trial", "0", "--out", str(out), "--json"]
    assert run(command) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["path"], facts["trial"], facts["images"]) == (str(out), 0, 36)
    assert facts["worst"] <= 1e-5


def test_an_unknown_format_is_refused(shelf, capsys) -> None:
    assert run(["export", "shelf", "--format", "pickle"]) == 2
    assert "'pickle' is not one of" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_in_a_line(shelf, tmp_path: Path, capsys) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "model.safetensors"
    assert run(["export", "shelf", "--format", "safetensors", "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said == f"error: {tmp_path / 'file'}: cannot be written: File exists\n"
