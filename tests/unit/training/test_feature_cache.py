from pathlib import Path

import pytest
import torch
from torchvision import models

from sweeper.config.sections import TrainSpec
from sweeper.data.batches import Residents
from sweeper.training.checkpoint import load
from sweeper.training.feature_cache import Features
from sweeper.training.held_out import final_score
from sweeper.training.loop import train
from sweeper.training.recipe import can_share, compose
from sweeper.trial import Trial

CPU = torch.device("cpu")
LEARNT = ("train/loss", "valid/loss", "valid/top1")


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pt"
    torch.save(models.squeezenet1_1(weights=None).state_dict(), path)
    return str(path)


def config(weights: str, **more):
    return {
        "architecture": "pretrained", "backbone": "squeezenet1_1", "weights": weights, "pixels": 32,
        "dense": [16], "dropout": 0.1, **more,
    }  # fmt: skip


def run(data, chosen, *, epochs=3, **options):
    recipe = compose(chosen, TrainSpec(epochs=epochs, batch_size=8))
    trial = options.pop("trial", Trial("t", 1, chosen, seed=1))
    return list(train(trial, data, recipe, objective="valid/top1", device=CPU, **options))


def learnt(reports):
    return [[report.metrics[name] for name in LEARNT] for report in reports]


def test_heads_on_shared_features_learn_the_same_numbers(pictures, weights, tmp_path: Path):
    full = config(weights, precision="fp32")
    whole = run(pictures, full)
    shared = run(pictures, full, cache=tmp_path)
    assert learnt(shared) == [pytest.approx(row, rel=1e-4) for row in learnt(whole)]


def test_features_are_computed_in_the_pieces_that_fit(pictures, weights, holding, tmp_path: Path):
    whole = run(pictures, config(weights), cache=tmp_path / "whole", epochs=1)
    with holding(4) as seen:
        pieces = run(pictures, config(weights), cache=tmp_path / "pieces", epochs=1)
    assert max(seen) <= 4
    assert learnt(pieces) == [pytest.approx(row, rel=1e-3) for row in learnt(whole)]


def test_the_images_are_passed_through_once_for_all_trials(pictures, weights, tmp_path: Path):
    run(pictures, config(weights), cache=tmp_path)
    assert sorted(pictures.opened) == ["train", "valid"]
    run(pictures, config(weights, dense=[8], learning_rate=0.01), cache=tmp_path)
    assert sorted(pictures.opened) == ["train", "valid"]


def test_other_weights_have_features_of_their_own(pictures, weights, tmp_path: Path):
    run(pictures, config(weights), cache=tmp_path, epochs=1)
    other = tmp_path / "other.pt"
    state = torch.load(weights, weights_only=True)
    torch.save({name: value * 0.99 for name, value in state.items()}, other)
    run(pictures, config(str(other)), cache=tmp_path, epochs=1)
    assert len(list((tmp_path / "features").iterdir())) == 2


def test_a_checkpoint_holds_the_head_and_gives_the_whole_network_back(pictures, weights, tmp_path: Path):
    chosen = config(weights)
    last = run(pictures, chosen, cache=tmp_path, checkpoints=tmp_path / "c")[-1]
    checkpoint = Path(str(last.checkpoint))
    assert not any(name.startswith("base.") for name in load(checkpoint, CPU)["model"])
    scores = final_score(checkpoint, pictures, compose(chosen, TrainSpec()), device=CPU)
    assert 0 <= scores["test/top1"] <= 1


def test_a_head_resumes_to_the_same_bits(pictures, weights, tmp_path: Path):
    chosen = config(weights)
    straight = run(pictures, chosen, cache=tmp_path, epochs=4)
    recipe = compose(chosen, TrainSpec(epochs=4, batch_size=8))
    running = train(
        Trial("b", 2, chosen, seed=1),
        pictures,
        recipe,
        objective="valid/top1",
        device=CPU,
        cache=tmp_path,
        checkpoints=tmp_path / "c",
    )
    begun = [next(running), next(running)]
    known = {"checkpoint": begun[-1].checkpoint, "epoch": begun[-1].epoch}
    again = Trial("b", 2, chosen, seed=1, attempt=2, device_seconds=begun[-1].device_seconds, **known)
    ended = run(pictures, chosen, epochs=4, cache=tmp_path, checkpoints=tmp_path / "c", trial=again)
    assert learnt(begun + ended) == learnt(straight)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, True),
        ({"freeze": 2}, False),
        ({"freeze": "none"}, False),
        ({"augmentation": "basic"}, False),
        ({"weights": "none"}, False),
    ],
)
def test_only_what_never_changes_is_shared(weights, more, expected):
    assert can_share(compose({**config(weights), **more}, TrainSpec())) is expected


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content[:-900] + b"\xff" * 400 + content[-500:],
    ],
)
def test_features_that_were_damaged_are_computed_again(pictures, weights, tmp_path: Path, damage):
    sound = run(pictures, config(weights), cache=tmp_path, epochs=1)
    (file,) = tmp_path.rglob("train.arrow")
    file.write_bytes(damage(file.read_bytes()))
    assert learnt(run(pictures, config(weights), cache=tmp_path, epochs=1)) == learnt(sound)
    assert sorted(pictures.opened) == ["train", "train", "valid"]


def test_vectors_are_copied_to_the_device_once_for_all_epochs_and_trials(patterns):
    """They were copied in every epoch."""
    generator = torch.Generator().manual_seed(0)
    vectors = {
        split: torch.empty(patterns.size(split), 5).normal_(generator=generator)
        for split in ("train", "valid")
    }
    copied: list[str] = []
    residents = Residents(lambda device: copied.append("asked") or 1e9)
    trials = [Features(patterns, vectors, "squeezenet", residents) for _ in range(2)]
    for features in trials * 2:
        for split in ("train", "valid"):
            found = [x for x, _ in features.batches(split, batch_size=7, device="meta")]
            assert sum(len(x) for x in found) == patterns.size(split)
            assert {x.device.type for x in found} == {"meta"}
    assert len(copied) == 2
