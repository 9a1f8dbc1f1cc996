"""Whether a node sees the sweep's folder, before it trains anything there."""

import os
import pickle
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch.overrides import TorchFunctionMode

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.errors import DataError, FailureKind
from sweeper.runners.parts.run_attempt import failure
from sweeper.runners.parts.worker_process import WorkerProcess
from sweeper.training.device import limit_memory
from sweeper.training.trial_workload import Training, UnseenFolder
from sweeper.trial import Trial


@pytest.fixture
def training(tmp_path):
    folder = tmp_path / "toy" / "checkpoints"
    return Training(
        DatasetSpec(source="digits"), TrainSpec(), "valid/top1", tmp_path, folder, mark="this-launch"
    )


def test_who_sees_the_mark_of_this_launch_may_train(training):
    training.leave_mark()
    pickle.loads(pickle.dumps(training)).prove(seconds=0.0)  # noqa: S301


@pytest.mark.parametrize("found", [None, "an-earlier-launch"], ids=["an empty disk", "a copy of the folder"])
def test_a_node_that_does_not_see_it_fails_before_it_trains_and_names_itself(training, found):
    """Its checkpoints would lie on its own disk, and the trial begin at epoch 1 wherever it went on."""
    if found:
        replace(training, mark=found).leave_mark()
    with pytest.raises(UnseenFolder, match="does not see the sweep's folder") as caught:
        training.prove(seconds=0.0)
    assert failure(caught.value).kind is FailureKind.STORAGE
    assert str(training.checkpoints) in str(caught.value)


def test_an_attempt_proves_it_too_because_nodes_come_later(training, monkeypatch):
    monkeypatch.setattr("sweeper.training.trial_workload.MARK_SECONDS", 0.0)
    with pytest.raises(UnseenFolder):
        training(Trial("a", 0, {}, seed=1))
    assert not training.checkpoints.exists()


def test_images_that_changed_since_the_sweep_began_are_not_trained_on(training):
    """Other images are split otherwise: what one trial validated on, the next would have trained on."""
    training.leave_mark()
    changed = replace(training, train=TrainSpec(epochs=1), images="the digest of other images")
    trial = Trial("t0", 0, {"architecture": "cnn", "pixels": 8, "layers": 1, "filters": [2]}, seed=1)
    with pytest.raises(DataError, match="images have changed since the sweep began"):
        list(changed(trial))


class Memory(TorchFunctionMode):
    """A machine that cannot hold more than so many floats in one tensor."""

    def __init__(self, numbers):
        super().__init__()
        self.numbers = numbers

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point() and result.numel() > self.numbers:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return result


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (20_000, "out of memory: going on with 128 images at once"),
        (9_000, "zca: out of memory: going on with rank 18"),
    ],
    ids=["a block of images is too large", "the covariance is too large"],
)
def test_a_trial_whose_whitening_does_not_fit_is_fitted_in_pieces_and_trained(
    training, numbers, said, caplog
):
    source = {"source": "synthetic", "classes": 2, "per_class": 200, "size": 6}
    training = replace(
        training,
        dataset=DatasetSpec.model_validate(source),
        train=TrainSpec(epochs=1, batch_size=16),
        metric="valid/loss",
    )
    training.leave_mark()
    config = {"architecture": "cnn", "pixels": 6, "layers": 1, "filters": [2], "normalization": "zca"}
    with Memory(numbers):
        (short,) = training(Trial("t0", 0, config, seed=1))
    assert any(text.startswith(said) for text in caplog.messages), caplog.messages
    training.forget()
    (roomy,) = replace(training, cache=training.cache / "other")(Trial("t1", 1, config, seed=1))
    far = 1e-3 if numbers == 20_000 else 0.3
    assert short.score == pytest.approx(roomy.score, abs=far)


class FakeCuda:
    """A GPU of 8 GiB; the limit of whoever asks is written down, in its process."""

    def __init__(self, log):
        self.log = log

    def is_available(self):
        return True

    def mem_get_info(self):
        return 2**32, 2**33

    def set_per_process_memory_fraction(self, fraction):
        with self.log.open("a") as file:
            file.write(f"{os.getpid()} {fraction:g}\n")


@pytest.mark.slow(reason="starts a worker, which imports torch")
def test_a_worker_limits_each_trial_to_its_share_of_the_gpus_memory(training, tmp_path):
    training.leave_mark()
    resources = ResourcesSpec.model_validate({"gpu": 0.25, "rules": [{"when": {"layers": 2}, "gpu": 1.0}]})
    training = replace(
        training,
        train=TrainSpec(epochs=1),
        resources=resources,
        limit=partial(limit_memory, cuda=FakeCuda(tmp_path / "limits")),
    )
    worker = WorkerProcess()
    try:
        worker.start()
        for layers in (1, 2):
            config = {"architecture": "cnn", "pixels": 8, "layers": layers, "filters": 2}
            trial = Trial(f"t{layers}", layers, config, seed=1)
            assert worker.call(lambda trial: len(list(training(trial))), trial) == 1
    finally:
        worker.kill()
    rows = [line.split() for line in (tmp_path / "limits").read_text().splitlines()]
    assert [fraction for _, fraction in rows] == ["0.1875", "1"], "a sixteenth of 8 GiB is CUDA's own"
    assert os.getpid() not in {int(pid) for pid, _ in rows}
