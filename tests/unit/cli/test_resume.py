"""When `resume` refuses. That it goes on is shown by tests/integration/test_interrupt.py."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from sweeper.results.stored_sweep import read
from sweeper.store.paths import SweepPaths
from sweeper.store.record import Record


def test_a_finished_sweep_has_nothing_left_to_do(make_run, say) -> None:
    make_run()
    said = say("resume", "toy")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(
        "error: toy: nothing left to do; `sweeper best toy` answers, `sweeper extend toy "
    )


def test_a_broken_sweep_is_not_repeated(make_run, say) -> None:
    make_run("toy", "broken")
    said = say("resume", "toy")
    assert said.code == 2
    assert "each of its first 5 trials failed" in said.err
    assert "`sweeper logs toy 0` says why, `sweeper retry toy --failed` tries them again" in said.err


def edit(paths, **sections) -> None:
    """What somebody does to the sweep's own file between launch and resume."""
    told = json.loads(json.dumps(read(paths).spec.resolved()))
    for section, changes in sections.items():
        told[section] |= changes
    paths.spec.write_text("# mine\n" + yaml.safe_dump(told, sort_keys=False))


@pytest.mark.parametrize(
    ("sections", "lines", "hint"),
    [
        (
            {"train": {"epochs": 30}, "budget": {"trials": 50}},
            ["train.epochs: 9 -> 30", "budget.trials: 12 -> 50"],
            "`sweeper launch {} -o name=NEW` starts another sweep; delete sweep.yaml, a copy for people",
        ),
        (
            {"budget": {"trials": 50}, "parameters": {"layers": {"min": 1, "max": 6}}},
            ["parameters.layers.max: 5 -> 6", "budget.trials: 12 -> 50"],
            "`sweeper extend toy --widen layers.max=6 --budget trials=50` asks for the same",
        ),
        (
            {"budget": {"trials": 5, "usd": 3.0}},
            ["budget.trials: 12 -> 5", "budget.usd: None -> 3.0"],
            "`sweeper launch {} -o name=NEW` starts another sweep; delete sweep.yaml",
        ),
    ],
    ids=["other training", "more of it", "less of it"],
)
def test_an_edited_sweep_file_is_refused_with_each_difference_in_a_line(
    sections, lines, hint, make_run, say
) -> None:
    paths = make_run("toy", "stopped")
    edit(paths, **sections)
    before = paths.record.read_bytes()
    said = say("resume", "toy")
    assert said.code == 2
    assert said.err.splitlines()[:-1] == [f"  {line}" for line in lines]
    error = said.err.splitlines()[-1]
    assert error.startswith(f"error: {paths.spec}: edited since the sweep was launched, in 2 places; ")
    assert hint.format(paths.spec) in error
    assert paths.record.read_bytes() == before


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_comments_in_the_sweep_file_and_its_absence_are_no_edit(make_run, say, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    paths = make_run("toy", "stopped")
    assert "the images are not those" in say("resume", "toy").err, "it got as far as the images"
    edit(paths)
    assert "the images are not those" in say("resume", "toy").err


def test_a_sweep_file_that_can_no_longer_be_read_says_where(make_run, say) -> None:
    paths = make_run("toy", "stopped")
    paths.spec.write_text("name: toy\n  dataset: [")
    said = say("resume", "toy")
    assert said.code == 2
    assert f"{paths.spec}:2" in said.err


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
def test_an_extended_sweep_is_not_taken_for_an_edited_one(make_run, say) -> None:
    paths = make_run()
    edit(paths)
    assert say("extend", "toy", "--trials", "+3").code == 0
    assert "budget.trials: 12" not in say("resume", "toy").err
    assert "trials: 15" in paths.spec.read_text()


def test_the_copy_of_a_lost_record_is_read_and_resumed(make_run, say) -> None:
    paths = make_run()
    Record.open(paths.record).copy_to(paths.copy)
    paths.record.unlink()
    assert say("list", "--json").json[0]["name"] == "toy"
    assert say("status", "toy").code == 0
    assert not paths.record.exists(), "who only looks changes nothing"
    said = say("resume", "toy")
    assert "record.db is missing: going on from record.copy.db, written 20" in said.err
    assert "nothing left to do" in said.err
    assert paths.record.exists()


def test_a_damaged_record_names_the_command_that_goes_on(make_run, say) -> None:
    paths = make_run()
    Record.open(paths.record).copy_to(paths.copy)
    paths.record.write_bytes(paths.record.read_bytes()[:5000])
    said = say("status", "toy")
    assert said.code == 2
    assert "`sweeper resume toy` goes on from record.copy.db" in said.err
    said = say("resume", "toy").err
    assert "record.db is damaged (not a sweeper record" in said
    assert ": going on from record.copy.db" in said
    assert say("status", "toy").code == 0


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ([], "a sweep called 'toy' exists already; `sweeper resume toy` goes on"),
        (
            ["budget.trials=40"],
            "differs from this file in budget.trials: 12 -> 40; `sweeper extend toy --budget trials=40` goes",
        ),
        (
            ["train.epochs=3", "search.seed=1", "budget.trials=2", "budget.usd=1"],
            "train.epochs: 9 -> 3; search.seed: 7 -> 1; budget.trials: 12 -> 2; and 1 more; `sweeper resume",
        ),
    ],
    ids=["same", "extendable", "other"],
)
def test_launching_another_file_of_the_same_name_shows_what_differs(
    overrides, words, make_run, say, tmp_path
) -> None:
    paths = make_run()
    file = tmp_path / "toy.yaml"
    file.write_text(yaml.safe_dump(read(paths).spec.resolved()))
    said = say("launch", str(file), *(word for each in overrides for word in ("-o", each)))
    assert (said.code, said.out) == (2, "")
    assert words in said.err


IMAGES = {str(digit): count for digit, count in enumerate([178, 182, 177, 183, 181, 182, 181, 179, 174, 180])}
OTHERS = [
    (IMAGES, "as many in each class, but with other contents or names"),
    (IMAGES | {"3": 200}, "class '3' has 183 images, not 200"),
    (IMAGES | {"ten": 7}, "class 'ten' is gone"),
    ({name: count for name, count in IMAGES.items() if name != "4"}, "class '4' is new"),
    (dict.fromkeys("abcdefg", 1), "class 'a' is gone, class 'b' is gone, class 'c' is gone and 14 more"),
]


@pytest.mark.slow(reason="plans, which prepares images and counts networks")
@pytest.mark.parametrize(("images", "difference"), OTHERS, ids=[row[1][:20] for row in OTHERS])
def test_other_images_are_refused_and_the_difference_is_named(
    images, difference, make_run, say, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("SWEEPER_CACHE", str(tmp_path))
    paths = make_run("toy", "stopped", meta={"images": json.dumps(images)})
    before = paths.record.read_bytes()
    said = say("resume", "toy")
    assert said.code == 2
    assert f"not those that the sweep began with: {difference}" in said.err
    assert said.err.count("\n") == 1
    assert paths.record.read_bytes() == before


@pytest.mark.slow(reason="a sweep is really trained")
def test_a_sweep_goes_on_with_its_images_in_another_folder(shelf, say, tmp_path, monkeypatch) -> None:
    """The folder of the sweep and that of the images both lie elsewhere, as on another machine."""
    runs, photos = tmp_path / "runs", tmp_path / "photos"
    shutil.copytree(shelf.runs, runs)
    shutil.copytree(shelf.photos, photos)
    monkeypatch.setenv("SWEEPER_RUNS", str(runs))
    assert say("extend", shelf.name, "--trials", "+1").code == 0
    (photos / "fig" / "0.jpg").rename(tmp_path / "kept.jpg")
    said = say("resume", shelf.name, "--runner", "local", "--images", str(photos))
    assert (said.code, "class 'fig' has 23 images, not 24" in said.err) == (2, True)
    assert str(photos) not in (runs / shelf.name / "sweep.yaml").read_text(), "what was refused is not kept"
    (tmp_path / "kept.jpg").rename(photos / "fig" / "0.jpg")
    said = say("resume", shelf.name, "--runner", "local", "--images", str(photos), "--quiet")
    assert said.code == 0, said.err
    told = read(SweepPaths.of(shelf.name))
    assert told.spec.dataset.root == str(photos)
    assert len(told.history.trials) == 3
    assert str(photos) in told.paths.spec.read_text()
    checkpoints = {Path(r.checkpoint).parents[2] for t in told.history.trials.values() for r in t.reports}
    assert checkpoints == {runs / shelf.name}
