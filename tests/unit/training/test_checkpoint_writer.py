import itertools
import math
import os
import threading
from pathlib import Path

import pytest
import torch

from sweeper.config.sections import TrainSpec
from sweeper.errors import FailureKind, StateError
from sweeper.runners.parts.run_attempt import run_here
from sweeper.training.checkpoint import CheckpointFolder, load, load_newest
from sweeper.training.checkpoint_names import checkpoint_after, written
from sweeper.training.checkpoint_writer import CheckpointWriter, Saving, copied
from sweeper.training.loop import train
from sweeper.training.recipe import compose
from sweeper.trial import Decision, Trial

CPU = torch.device("cpu")
CONFIG = {"pixels": 8, "layers": 2, "filters": 8, "dropout": 0.2, "learning_rate": 0.02, "ema": 0.9}
BEHIND = Saving(at_once=0.0, behind=math.inf)  # a thread writes each
RARELY = Saving(at_once=0.0, behind=0.0)  # no more than the first, the rungs, the last


def run(data, root: Path, *, trial: Trial | None = None, saving: Saving = RARELY, epochs: int = 6):
    recipe = compose(CONFIG, TrainSpec(epochs=epochs, batch_size=32))
    trial = trial or Trial("t1", 1, CONFIG, seed=3)
    clock = itertools.count(0.0, 1.0).__next__
    options = {"objective": "valid/top1", "device": CPU, "clock": clock, "saving": saving}
    return train(trial, data, recipe, checkpoints=root, **options)


def scores(reports):
    return [(r.epoch, r.metrics["train/loss"], r.metrics["valid/loss"]) for r in reports]


def writer(root: Path, saving: Saving = BEHIND, attempt: int = 1) -> CheckpointWriter:
    return CheckpointWriter(CheckpointFolder(root, "abc", attempt), saving)


def state(value: float):
    return lambda: {"model": {"w": torch.full((2,), value)}, "optimizer": {0: torch.ones(2)}, "reports": []}


def save(writing: CheckpointWriter, epoch: int, best: int, *, is_needed: bool = False) -> None:
    writing.save(state(epoch), epoch, best, is_needed=is_needed, seconds=1.0)


def threads() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("checkpoint")]


def test_what_a_thread_writes_is_the_epoch_that_was_reported_and_not_what_training_makes_of_it(
    patterns, tmp_path: Path
):
    whole = list(run(patterns, tmp_path / "whole", saving=Saving(at_once=math.inf)))
    running = run(patterns, tmp_path, saving=BEHIND)
    begun = list(itertools.islice(running, 4))
    running.close()
    four = load(written(tmp_path / "t1")[4], CPU)
    second = Trial("t1", 1, CONFIG, 3, 2, checkpoint=begun[-1].checkpoint, epoch=4)
    rest = list(run(patterns, tmp_path, trial=second, saving=BEHIND))
    assert scores(begun + rest) == scores(whole)
    assert four["progress"]["epoch"] == 4
    assert threads() == []


def test_a_checkpoint_of_a_slow_disk_is_written_at_rungs_and_the_last_epoch_before_their_reports(
    patterns, tmp_path: Path
):
    saving = Saving(rungs=(3,), at_once=0.0, behind=0.0)
    named = [report.checkpoint_epoch for report in run(patterns, tmp_path, saving=saving)]
    assert named == [1, 1, 3, 3, 3, 6]


def test_a_score_that_ends_the_trial_has_its_checkpoint_before_its_report(patterns, tmp_path: Path):
    saving = Saving(target=0.0, at_once=0.0, behind=0.0)
    assert [r.checkpoint_epoch for r in run(patterns, tmp_path, saving=saving, epochs=3)] == [1, 2, 3]


def test_rungs_in_device_seconds_are_met_too(patterns, tmp_path: Path):
    """An epoch takes 3 s by this clock, of which the checkpoint takes 1 s."""
    saving = Saving(rungs=(7.0,), resource="device_seconds", at_once=0.0, behind=0.0)
    named = [report.checkpoint_epoch for report in run(patterns, tmp_path, saving=saving)]
    assert named == [1, 1, 3, 3, 3, 6]


def test_epochs_that_a_killed_worker_reported_and_did_not_save_are_trained_again_and_not_reported(
    patterns, tmp_path: Path, caplog
):
    whole = list(run(patterns, tmp_path / "whole"))
    running = run(patterns, tmp_path)
    begun = list(itertools.islice(running, 4))
    kept = written(tmp_path / "t1")
    assert list(kept) == [1]
    patterns.opened.clear()
    second = Trial("t1", 1, CONFIG, 3, 2, checkpoint=str(kept[1]), epoch=4, device_seconds=99.0)
    rest = list(run(patterns, tmp_path, trial=second))
    assert scores(begun + rest) == scores(whole)
    assert patterns.opened.count("train") == 5, "epochs 2 to 6"
    assert rest[0].device_seconds > 99.0
    assert "epochs 2 to 4 are trained again" in caplog.text
    running.close()
    assert written(tmp_path / "t1")[6].name == "epoch-0006.2", "the one that was given up overwrites nothing"


def test_an_attempt_that_is_left_between_two_epochs_saves_where_it_stands(patterns, tmp_path: Path):
    def pause(report):
        return Decision.PAUSE if report.epoch == 4 else Decision.CONTINUE

    run_here(lambda trial: run(patterns, tmp_path, trial=trial), Trial("t1", 1, CONFIG, 3), pause)
    found = load_newest(None, tmp_path / "t1", CPU)
    assert found is not None
    assert found["progress"]["epoch"] == 4


def test_the_best_epochs_weights_are_kept_without_what_training_needs(tmp_path: Path):
    writing = writer(tmp_path, RARELY)
    for epoch in range(1, 4):
        save(writing, epoch, best=min(epoch, 2))
    assert list(written(tmp_path)) == [1], "it waits for the next one that is written"
    save(writing, 4, best=2, is_needed=True)
    save(writing, 5, best=2, is_needed=True)
    writing.close()
    assert sorted(written(tmp_path)) == [2, 4, 5]
    best = load(checkpoint_after(2, tmp_path), CPU)
    assert torch.equal(best["model"]["w"], torch.full((2,), 2.0))
    assert "optimizer" not in best
    assert load_newest(written(tmp_path)[2], tmp_path, CPU)["optimizer"], "no training goes on from it"


def test_the_best_weights_are_on_the_disk_when_an_attempt_has_ended(tmp_path: Path):
    writing = writer(tmp_path, RARELY)
    save(writing, 1, best=1)
    save(writing, 2, best=2)
    writing.close()
    assert sorted(written(tmp_path)) == [1, 2]


def test_the_best_full_checkpoint_is_slimmed_when_it_is_no_longer_recent(tmp_path: Path):
    folder = CheckpointFolder(tmp_path, "abc", 1)
    for epoch in range(1, 5):
        folder.save(state(epoch)(), epoch=epoch, best_epoch=1)
    assert [(each, (path / "training.pt").exists()) for each, path in written(tmp_path).items()] == [
        (1, False), (3, True), (4, True),
    ]  # fmt: skip
    assert load(written(tmp_path)[1], CPU)["model"]["w"][0] == 1.0


def test_what_fails_on_the_thread_is_raised_by_the_next_call(tmp_path: Path):
    writing = writer(tmp_path / "trial")
    save(writing, 1, best=1)
    (tmp_path / "trial").rename(tmp_path / "away")
    (tmp_path / "trial").write_text("in the way")
    save(writing, 2, best=2)
    with pytest.raises(OSError, match="trial"):
        save(writing, 3, best=3, is_needed=True)
    writing.close()
    assert threads() == []


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written_fails_the_trial_as_storage(patterns, tmp_path: Path):
    def forbid(report):
        (tmp_path / "t1").chmod(0o500)
        return Decision.CONTINUE

    outcome = run_here(
        lambda trial: run(patterns, tmp_path, trial=trial, saving=BEHIND), Trial("t1", 1, CONFIG, 3), forbid
    )
    (tmp_path / "t1").chmod(0o700)
    assert outcome.kind is FailureKind.STORAGE


@pytest.mark.parametrize("saving", [BEHIND, Saving(at_once=math.inf)])
def test_a_checkpoint_that_cannot_be_written_fails_the_trial_as_storage_and_leaves_no_thread(
    patterns, tmp_path: Path, saving
):
    def block(report):
        if report.epoch == 2:
            (tmp_path / "t1").rename(tmp_path / "away")
            (tmp_path / "t1").write_text("in the way")
        return Decision.CONTINUE

    def workload(trial):
        return run(patterns, tmp_path, trial=trial, saving=saving)

    outcome = run_here(workload, Trial("t1", 1, CONFIG, 3), block)
    assert outcome.kind is FailureKind.STORAGE
    assert threads() == []


def test_a_checkpoint_that_fails_when_an_attempt_is_left_is_said(patterns, tmp_path: Path, caplog):
    running = run(patterns, tmp_path)
    next(running), next(running)
    (tmp_path / "t1").rename(tmp_path / "away")
    (tmp_path / "t1").write_text("in the way")
    running.close()
    assert "no checkpoint of epoch 2, an earlier one stays" in caplog.text


def test_an_attempt_that_was_given_up_hears_so_from_the_thread(tmp_path: Path):
    writing = writer(tmp_path)
    save(writing, 1, best=1)
    CheckpointFolder(tmp_path, "abc", 2).save(state(1)(), epoch=1, best_epoch=1)
    save(writing, 2, best=1)
    with pytest.raises(StateError, match="has taken over"):
        save(writing, 3, best=1, is_needed=True)
    writing.close()


def test_what_training_waits_for_checkpoints_is_among_its_device_seconds(patterns, tmp_path: Path):
    """The clock gains a second a reading: two an epoch, and one for the checkpoint."""
    reports = list(run(patterns, tmp_path))
    assert [report.device_seconds for report in reports] == [3.0 * epoch for epoch in range(1, 7)]
    assert {report.metrics["checkpoint_seconds"] for report in reports} == {1.0}
    assert reports[-1].metrics["device_seconds"] == 18.0


def test_a_copy_stays_what_it_was():
    tensor = torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last)
    copy = copied({"a": [tensor, 3], "b": {"c": tensor}})
    tensor += 1
    assert not copy["a"][0].any()
    assert copy["b"]["c"].is_contiguous(memory_format=torch.channels_last)
    assert copy["a"][1] == 3
