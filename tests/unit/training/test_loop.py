import itertools
import math
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from sweeper.config.sections import TrainSpec
from sweeper.errors import FailureKind, SpecError
from sweeper.models.parts.whitening import PatchWhitening
from sweeper.runners.parts.run_attempt import failure
from sweeper.sweep.retries import may_retry
from sweeper.training.averaging import averaged_weights
from sweeper.training.checkpoint import LostCheckpoint, load
from sweeper.training.checkpoint_writer import Saving
from sweeper.training.held_out import final_score, restore
from sweeper.training.loop import Diverged, Progress, is_minimized, train
from sweeper.training.recipe import compose
from sweeper.training.validation import Evaluator, evaluation_batch
from sweeper.trial import Trial
from tests.unit.training.conftest import Patterns

CPU = torch.device("cpu")
CONFIG = {"pixels": 8, "layers": 2, "filters": 8, "dropout": 0.2, "pooling": "mixed", "learning_rate": 0.02}
LEARNT = ("train/loss", "valid/loss", "valid/top1", "valid/top5", "valid/balanced_top1")


EACH = Saving(at_once=math.inf)
"""Each checkpoint is written before its report, however slow the disk is."""


def run(data, config=None, *, checkpoints=None, trial=None, objective="valid/top1", graphs=None, **settings):
    config, saving = {**CONFIG, **(config or {})}, settings.pop("saving", EACH)
    recipe = compose(config, TrainSpec(**{"epochs": 6, "batch_size": 32, **settings}))
    trial = trial or Trial("t1", 1, config, seed=3)
    clock = itertools.count(0.0, 1.0).__next__
    where = {"device": CPU, "checkpoints": checkpoints, "graphs": graphs, "saving": saving}
    return train(trial, data, recipe, objective=objective, clock=clock, **where)


def learnt(reports):
    return [tuple(report.metrics[name] for name in LEARNT) for report in reports]


def test_a_small_network_learns_the_patterns(patterns):
    last = list(run(patterns, {"dropout": 0.0, "pooling": "max"}))[-1]
    assert last.metrics["valid/top1"] > 0.9
    assert last.metrics["train/loss"] < 0.5


def test_every_metric_of_the_design_is_reported_and_none_of_the_test_split(patterns):
    report = next(run(patterns))
    assert set(report.metrics) == {
        *LEARNT, "images_per_second", "device_seconds", "gpu_hours", "epoch",
        "cpu_seconds", "core_wait_seconds", "checkpoint_seconds", "validation_seconds",
    }  # fmt: skip
    assert report.score == report.metrics["valid/top1"]
    assert "test" not in patterns.opened


def test_a_trial_that_fits_in_training_fits_in_validation_whose_batches_are_larger(patterns, holding, caplog):
    whole = learnt(run(patterns, batch_size=16, epochs=2))
    with holding(16) as seen:
        in_pieces = learnt(run(patterns, batch_size=16, epochs=2))
    assert max(seen) <= 16
    assert [text for text in caplog.messages if "out of memory" in text] == [
        "out of memory: going on with 20 images at once and the same batches",
        "out of memory: going on with 10 images at once and the same batches",
    ]
    for one, other in zip(whole, in_pieces, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize("batch_size", [8, 64])
def test_validation_takes_as_many_images_as_memory_holds_whatever_the_training_batch(batch_size, holding):
    with holding(10**6) as seen:
        list(run(Patterns({"train": 64, "valid": 600}), batch_size=batch_size, epochs=1))
    assert {count for count in seen if count not in (8, 64)} == {256, 88}


@pytest.mark.parametrize(("pixels", "expected"), [(32, 256), (64, 256), (224, 22), (2048, 1)])
def test_larger_images_are_validated_fewer_at_once(pixels, expected):
    assert evaluation_batch((3, pixels, pixels), CPU) == expected


def test_the_test_is_answered_in_the_pieces_that_fit_too(patterns, holding, tmp_path):
    recipe = compose(CONFIG, TrainSpec(epochs=1, batch_size=16))
    checkpoint = tmp_path / list(run(patterns, checkpoints=tmp_path, epochs=1, batch_size=16))[-1].checkpoint
    whole = final_score(checkpoint, patterns, recipe, device=CPU)
    with holding(3) as seen:
        assert final_score(checkpoint, patterns, recipe, device=CPU) == pytest.approx(whole, abs=1e-5)
    assert max(seen) <= 3
    with holding(0), pytest.raises(MemoryError, match="not one image fits: cuDNN error"):
        final_score(checkpoint, patterns, recipe, device=CPU)


def test_the_score_is_the_objective(patterns):
    report = next(run(patterns, objective="valid/loss"))
    assert report.score == report.metrics["valid/loss"]


def test_a_metric_that_no_trial_reports_is_refused_with_the_nearest_name(patterns):
    with pytest.raises(SpecError, match="did you mean 'valid/top1'"):
        next(run(patterns, objective="valid/top11"))


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(patterns):
    first, again = list(run(patterns)), list(run(patterns))
    other = list(run(patterns, trial=Trial("t1", 1, CONFIG, seed=4)))
    assert learnt(first) == learnt(again)
    assert learnt(first) != learnt(other)


def test_the_seed_decides_alone_whatever_torch_drew_before(patterns):
    first = learnt(run(patterns))
    torch.empty(3).uniform_()
    assert learnt(run(patterns)) == first


FAST = {
    "optimizer": "muon", "whitening": True, "initial": "dirac", "pool_first": True, "norm_scale": False,
    "activation": "gelu", "schedule": "linear", "ema": 0.9, "flip_average": True, "head_rate": 0.5,
    "augmentation": "crop_flip",
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        *({"optimizer": name} for name in ("sgd", "rmsprop", "adam", "adamw", "muon")),
        {"optimizer": "sgd", "ema": 0.95, "schedule": "warmup_stable_decay"},
        {"optimizer": "adamw", "lookahead": 5},
        FAST,
    ],
)
def test_three_epochs_and_three_more_are_six_epochs_to_the_last_bit(patterns, tmp_path: Path, change):
    config = {**CONFIG, **change}
    straight = list(run(patterns, config, checkpoints=tmp_path, trial=Trial("a", 1, config, seed=3)))
    running = run(patterns, config, checkpoints=tmp_path, trial=Trial("b", 2, config, seed=3))
    begun = list(itertools.islice(running, 3))
    last = begun[-1]
    second = Trial("b", 2, config, 3, 2, checkpoint=last.checkpoint, device_seconds=last.device_seconds)
    resumed = begun + list(run(patterns, config, checkpoints=tmp_path, trial=second))
    assert learnt(straight) == learnt(resumed)
    assert [r.device_seconds for r in straight] == [r.device_seconds for r in resumed]
    one, other = (load(Path(str(reports[-1].checkpoint)), CPU) for reports in (straight, resumed))
    for part in ("model", "trained"):
        assert all(torch.equal(one[part][name], other[part][name]) for name in one.get(part, {}))


@pytest.mark.parametrize(("heard", "change"), [(0, {}), (2, {}), (4, {}), (2, FAST)])
def test_epochs_that_were_trained_but_never_heard_are_reported_not_trained_again(
    patterns, tmp_path: Path, heard, change
):
    """A driver was lost: its record knows `heard` epochs, the checkpoints five."""
    straight = list(run(patterns, change, checkpoints=tmp_path / "whole"))
    lost = list(itertools.islice(run(patterns, change, checkpoints=tmp_path), 5))
    known = str(tmp_path / "t1" / f"epoch-{heard:04d}.1") if heard else None
    patterns.opened.clear()
    resumed = []
    second = Trial("t1", 1, {**CONFIG, **change}, 3, attempt=2, checkpoint=known)
    for report in run(patterns, change, checkpoints=tmp_path, trial=second):
        assert report.checkpoint is None or Path(report.checkpoint).is_dir()
        resumed.append(report)
    assert [report.epoch for report in resumed] == list(range(heard + 1, 7))
    assert learnt(lost[:heard] + resumed) == learnt(straight)
    assert patterns.opened == ["train", "valid"], "only the sixth epoch was trained"
    assert [r.checkpoint is not None for r in resumed][-2:] == [True] * 2


@pytest.mark.parametrize("batch_size", [32, 31, 20, "auto"])
def test_batches_that_do_not_come_out_even_stay_the_same_when_a_trial_goes_on(
    patterns, tmp_path: Path, batch_size
):
    """1,259 images in batches of 32 are 40 of 31; asked for 31, they would be 41 of 30."""
    images = type(patterns)({"train": 159, "valid": 40, "test": 20})
    straight = list(run(images, checkpoints=tmp_path / "whole", batch_size=batch_size))
    begun = list(itertools.islice(run(images, checkpoints=tmp_path, batch_size=batch_size), 2))
    second = Trial("t1", 1, CONFIG, seed=3, attempt=2, checkpoint=begun[-1].checkpoint)
    rest = list(run(images, checkpoints=tmp_path, trial=second, batch_size=batch_size))
    assert learnt(begun + rest) == learnt(straight)


def test_device_seconds_count_the_share_and_go_on_over_attempts(patterns, tmp_path: Path):
    recipe = compose(CONFIG, TrainSpec(epochs=2))

    def clock(ticks=itertools.count(0.0, 10.0)):  # noqa: B008  (each epoch reads it three times)
        return next(ticks)

    reports = list(
        train(
            Trial("t", 1, CONFIG, seed=1),
            patterns,
            recipe,
            objective="valid/top1",
            device=CPU,
            share=0.5,
            clock=clock,
        )
    )
    assert [r.device_seconds for r in reports] == [10.0, 20.0]
    assert reports[1].metrics["gpu_hours"] == pytest.approx(20 / 3600)


def test_the_checkpoint_is_there_before_the_report(patterns, tmp_path: Path):
    for report in run(patterns, checkpoints=tmp_path):
        assert (Path(str(report.checkpoint)) / "manifest.json").is_file()


def test_a_finished_trial_reports_nothing_more(patterns, tmp_path: Path):
    last = list(run(patterns, checkpoints=tmp_path))[-1]
    trial = Trial("t1", 1, CONFIG, seed=3, attempt=2, checkpoint=last.checkpoint)
    assert list(run(patterns, checkpoints=tmp_path, trial=trial)) == []


def test_a_lost_checkpoint_is_a_failure_of_the_storage_and_never_epoch_0_in_silence(patterns, tmp_path: Path):
    gone = str(tmp_path / "gone" / "epoch-0003.1")
    trial = Trial("t1", 1, CONFIG, seed=3, attempt=2, checkpoint=gone)
    with pytest.raises(LostCheckpoint, match="cannot read it") as caught:
        next(run(patterns, trial=trial))
    outcome = failure(pickle.loads(pickle.dumps(caught.value)))  # noqa: S301
    assert (outcome.kind, gone in outcome.message) == (FailureKind.STORAGE, True)
    assert may_retry(outcome, [outcome] * 4), "elsewhere it may be there"


def test_a_loss_that_is_no_number_ends_the_trial_with_the_epoch(patterns):
    with pytest.raises(Diverged, match="after epoch 1"):
        list(run(patterns, {"learning_rate": 1e30, "optimizer": "sgd", "batch_norm": False}))


def test_diverged_survives_pickling():
    error = pickle.loads(pickle.dumps(Diverged("valid/loss is nan after epoch 3", hint="x")))  # noqa: S301
    assert isinstance(error, Diverged)
    assert str(error) == "valid/loss is nan after epoch 3; x"
    assert error.failure_kind == "diverged"


def test_patience_ends_a_trial_that_gets_no_better(patterns):
    reports = list(run(patterns, {"learning_rate": 1e-12, "patience": 2}, epochs=20))
    assert len(reports) < 20


@pytest.mark.parametrize(
    ("scores", "is_smaller", "best_epoch"),
    [([0.1, 0.5, 0.5], False, 2), ([0.9, 0.4, 0.6], True, 2), ([0.3], False, 1)],
)
def test_the_best_epoch_is_the_earlier_of_two_equals(scores, is_smaller, best_epoch):
    progress = Progress()
    for epoch, score in enumerate(scores, start=1):
        progress = progress.after(epoch, score, 1.0, smaller_is_better=is_smaller)
    assert progress.best_epoch == best_epoch
    assert progress.device_seconds == len(scores)


def test_losses_are_minimised_and_accuracies_are_not():
    assert [is_minimized(m) for m in ("valid/loss", "train/loss", "valid/top1", "valid/top5")] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        {"schedule": "cosine", "label_smoothing": 0.1},
        {"schedule": "constant", "clip_norm": 1.0},
        {"class_weights": "balanced"},
        {"batch_size": "auto"},
        {"batch_size": 1000},
        {"precision": "bf16"},
    ],
)
def test_every_setting_trains(patterns, settings):
    report = list(run(patterns, epochs=2, **settings))[-1]
    assert math.isfinite(report.metrics["train/loss"])


def test_the_test_split_is_opened_by_final_score_alone(patterns, tmp_path: Path):
    last = list(run(patterns, checkpoints=tmp_path))[-1]
    assert "test" not in patterns.opened
    recipe = compose(CONFIG, TrainSpec())
    scores = final_score(Path(str(last.checkpoint)), patterns, recipe, device=CPU)
    assert set(scores) == {"test/top1", "test/top5", "test/balanced_top1", "test/loss"}
    assert "test" in patterns.opened


def test_top5_with_four_classes_is_clipped_to_four(patterns):
    assert next(run(patterns)).metrics["valid/top5"] == 1.0


@pytest.mark.parametrize("change", [{"ema": 0.9}, {"lookahead": 7}])
def test_averaged_weights_are_what_is_validated_kept_and_scored(patterns, tmp_path: Path, change):
    config = {**CONFIG, **change}
    recipe = compose(config, TrainSpec(epochs=3, batch_size=32))
    last = list(run(patterns, config, checkpoints=tmp_path, epochs=3))[-1]
    state = load(Path(str(last.checkpoint)), CPU)
    assert not torch.equal(state["model"]["head.logits.weight"], state["trained"]["head.logits.weight"])
    module = restore(Path(str(last.checkpoint)), recipe, shape=patterns.shape, classes=4, device=CPU)
    found = Evaluator(CPU, torch.float32)(module, patterns, "valid")
    assert found["valid/loss"] == last.metrics["valid/loss"]


def test_lookahead_goes_half_of_the_way_and_begins_again_from_there():
    fast = nn.Sequential(nn.Linear(1, 1, bias=False), nn.BatchNorm1d(1))
    fast[0].weight.data.fill_(0.0)
    slow = averaged_weights(fast, fast, TrainSpec(lookahead=2))
    assert slow is not None
    seen = []
    for step in range(4):
        fast[0].weight.data += 4.0
        fast[1].running_mean.fill_(step)
        slow.update(step)
        seen.append((slow.module[0].weight.item(), fast[0].weight.item(), slow.module[1].running_mean.item()))
    assert seen == [(0.0, 4.0, 0.0), (4.0, 4.0, 1.0), (4.0, 8.0, 1.0), (8.0, 8.0, 3.0)]


def test_a_whitened_first_layer_comes_from_the_training_images_and_stays(patterns, tmp_path: Path):
    config = {**CONFIG, "whitening": True}
    reports = list(itertools.islice(run(patterns, config, checkpoints=tmp_path), 2))
    weights = [
        torch.load(Path(str(report.checkpoint)) / "state.pt", weights_only=True)["model"]["whitening.weight"]
        for report in reports
    ]
    fitted = PatchWhitening(1)
    fitted.fit([patterns._images["train"]])
    assert torch.equal(*weights)
    assert torch.allclose(weights[0], fitted.weight, rtol=0.3), "a part of the images says nearly the same"
    assert "test" not in patterns.opened


def test_training_tells_the_images_which_epoch_it_is(patterns):
    list(run(patterns, epochs=3))
    assert patterns.epochs == [1, 2, 3]


def test_fitting_the_first_layer_is_paid_for_once(patterns, tmp_path: Path):
    """The clock gains a second a reading: two beside the fit, four an epoch."""
    config = {**CONFIG, "whitening": True}
    begun = list(itertools.islice(run(patterns, config, checkpoints=tmp_path), 2))
    last = begun[-1]
    second = Trial("t1", 1, config, 3, 2, checkpoint=last.checkpoint, device_seconds=last.device_seconds)
    rest = list(run(patterns, config, checkpoints=tmp_path, trial=second))
    assert [report.device_seconds for report in begun + rest] == [4.0, 7.0, 10.0, 13.0, 16.0, 19.0]


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_a_replayed_step_trains_alike_with_every_draw_its_own(patterns, recorded_graphs, optimizer):
    """Dropout and mixed pooling draw in each replay; the rate, in float32 there, changes with each step."""
    graphs, options = recorded_graphs(), {"optimizer": optimizer, "clip_norm": 1.0, "epochs": 3}
    found = learnt(run(patterns, graphs=graphs, **options))
    for one, other in zip(found, learnt(run(patterns, **options)), strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    assert graphs.made[0].replays == 3 * 5 - 3


def test_a_replayed_trial_goes_on_from_its_checkpoint(patterns, recorded_graphs, tmp_path):
    whole = list(run(patterns, epochs=4))
    first = list(itertools.islice(run(patterns, epochs=4, checkpoints=tmp_path), 2))
    resumed = Trial("t1", 1, CONFIG, seed=3, checkpoint=first[-1].checkpoint)
    graphs = recorded_graphs()
    rest = run(patterns, epochs=4, checkpoints=tmp_path, trial=resumed, graphs=graphs)
    for one, other in zip(learnt(rest), learnt(whole[2:]), strict=True):
        assert one == pytest.approx(other, rel=1e-4)
    assert graphs.made[0].replays == 7
