"""Which configurations a plan refuses, and what it says of weights that it found."""

from pathlib import Path

import pytest
import torch
from torchvision import models

from sweeper.config.spec import SweepSpec, restore_spec
from sweeper.errors import SpecError
from sweeper.plan.plan import make_plan

IMAGES = {"source": "synthetic", "classes": 2, "per_class": 10, "size": 32}


def sweep(**parameters) -> SweepSpec:
    fixed = {"architecture": "pretrained", "backbone": "squeezenet1_1", "pixels": 32, **parameters}
    metric = {"metric": "valid/top1"}
    return restore_spec(
        {
            "name": "transfer",
            "dataset": IMAGES,
            "objective": metric,
            "budget": {"trials": 2},
            "parameters": fixed,
        },
        name="transfer.yaml",
    )


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("weights") / "squeezenet.pt"
    state = models.squeezenet1_1(weights=None).state_dict()
    torch.save({"model_ema": {f"module.{name}": tensor for name, tensor in state.items()}}, path)
    return str(path)


def test_random_weights_that_are_frozen_are_refused_by_name(tmp_path: Path):
    with pytest.raises(
        SpecError, match="weights: none with freeze: all keeps random weights that never learn"
    ):
        make_plan(sweep(weights="none"), tmp_path, samples=1)


def test_a_search_skips_the_draws_in_which_random_weights_are_frozen(tmp_path: Path, weights):
    searched = sweep(weights={"values": ["none", weights]}, freeze={"values": ["all", "none"]})
    plan = make_plan(searched, tmp_path, samples=1)
    skipped = [each for each in plan.warnings if "skipped" in each]
    assert skipped
    assert all("weights: none with freeze: all" in each for each in skipped)


def test_muon_on_a_frozen_network_is_refused_though_adamw_was_let_through(tmp_path: Path, weights):
    with pytest.raises(SpecError, match=r"optimizer=muon: .*muon moves the matrices before the head"):
        make_plan(sweep(weights=weights, optimizer={"values": ["adamw", "muon"]}), tmp_path, samples=1)


def test_a_plan_says_which_entry_of_a_file_it_takes(tmp_path: Path, weights):
    plan = make_plan(sweep(weights=weights), tmp_path, samples=1)
    assert f"{weights}: took the entry 'model_ema' and there what is named 'module....'" in plan.warnings
