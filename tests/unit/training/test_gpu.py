"""What only a GPU shows; skipped without one."""

import math

import pytest
import torch
from torch import nn

from sweeper.config.sections import TrainSpec
from sweeper.data.batches import Rows
from sweeper.data.relay import CudaCopies
from sweeper.training.device import CudaGraphs
from sweeper.training.loop import train
from sweeper.training.optim import build_loss, build_optimizer, set_learning_rate
from sweeper.training.recipe import compose
from sweeper.training.step import GraphedStepper, Stepper
from sweeper.trial import Trial

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]
CONFIG = {"pixels": 8, "layers": 2, "filters": 8, "dropout": 0.1, "learning_rate": 0.02}


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("precision", ["auto", "fp32", "fp16"])
def test_every_optimizer_and_number_format_trains(patterns, optimizer, precision):
    config = {**CONFIG, "optimizer": optimizer}
    recipe = compose(config, TrainSpec(epochs=6, batch_size=16, precision=precision))
    trial = Trial("t", 1, config, seed=3)
    reports = list(train(trial, patterns, recipe, objective="valid/top1", device=torch.device("cuda")))
    losses = [report.metrics["train/loss"] for report in reports]
    assert all(math.isfinite(loss) for loss in losses)
    assert losses[-1] < losses[0]


def test_a_replayed_graph_updates_like_the_plain_step():
    device = torch.device("cuda")
    finished = []
    for is_graphed in (False, True):
        module = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).to(device)
        with torch.no_grad():
            module[1].weight.copy_(torch.linspace(-1, 1, 256).view(4, 64))
            module[1].bias.zero_()
        spec = TrainSpec(learning_rate=0.01)
        optimizer = build_optimizer(module, spec, device)
        plain = Stepper(module, optimizer, build_loss(spec, None), device=device, dtype=torch.float32)
        step = GraphedStepper(plain, []) if is_graphed else plain
        generator = torch.Generator().manual_seed(1)
        for number in range(20):
            images = torch.empty(8, 1, 8, 8).normal_(generator=generator).to(device)
            set_learning_rate(optimizer, 0.01 / (number + 1))
            step(images, torch.arange(8, device=device) % 4)
        if isinstance(step, GraphedStepper):
            assert step.is_replaying
        finished.append(module[1].weight.detach().cpu())
    assert torch.allclose(*finished, atol=1e-5)


def test_what_does_not_fit_on_the_gpu_arrives_in_order_and_to_the_bit():
    device = torch.device("cuda")
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(256, (2000, 32, 32, 3), generator=generator, dtype=torch.uint8)
    rows = Rows(images, torch.arange(2000), torch.arange(2000) % 7)
    order = torch.randperm(2000, generator=generator)
    arrived = rows.uint8_batches(order, 128, CudaCopies(device))
    for (expected, answers), (found, labels) in zip(rows.uint8_batches(order, 128), arrived, strict=True):
        later = found.float() + 0.0  # reads the buffer while the next copy is under way
        assert torch.equal(later.cpu(), expected.float())
        assert torch.equal(labels.cpu(), answers)


def test_a_generator_draws_on_after_a_recording_that_failed(caplog):
    """Reading a value on the host is what a recording does not permit."""
    device = torch.device("cuda")
    generator = torch.Generator(device).manual_seed(1)

    class Asking(nn.Linear):
        def forward(self, input):
            if torch.cuda.is_current_stream_capturing():
                input.sum().item()
            drawn = torch.empty_like(input).bernoulli_(0.5, generator=generator)
            return super().forward(input * drawn)

    module = Asking(16, 4).to(device)
    spec = TrainSpec(learning_rate=0.01)
    optimizer = build_optimizer(module, spec, device)
    plain = Stepper(module, optimizer, build_loss(spec, None), device=device, dtype=torch.float32)
    step = GraphedStepper(plain, [generator], CudaGraphs(device))
    images, labels = torch.ones(8, 16, device=device), torch.arange(8, device=device) % 4
    losses = [step(images, labels).item() for _ in range(8)]
    assert not step.is_replaying
    assert all(math.isfinite(loss) for loss in losses)
    assert "no CUDA graph of the training step" in caplog.text
