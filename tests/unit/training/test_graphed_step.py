"""The replayed step, with graphs that are recorded and repeated on the CPU."""

import copy

import pytest
import torch
from torch import Tensor, nn

from sweeper.config.sections import TrainSpec
from sweeper.training.optim import build_loss, set_learning_rate
from sweeper.training.step import GraphedStepper, Stepper

CPU = torch.device("cpu")
RATE = 0.1


class Tight(nn.Module):
    """Runs out of memory above so many images at once."""

    def __init__(self, holds: int) -> None:
        super().__init__()
        self.holds = holds
        self.dense = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.holds:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB\nmore of it")
        return self.dense(x)


class Generator:
    """A GPU's: its state, shared by those who were given it, cannot be drawn from while it is recorded."""

    def __init__(self, state=None) -> None:
        self.state = state or {"drawn": 0, "is_recorded": False}

    def draw(self) -> int:
        if self.state["is_recorded"]:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")
        self.state["drawn"] += 1
        return self.state["drawn"]

    def clone_state(self) -> "Generator":
        return Generator(dict(self.state))

    def graphsafe_set_state(self, new: "Generator") -> None:
        self.state = new.state


def batch(number: int = 0, size: int = 12) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    return torch.empty(size, 6).normal_(generator=generator), (torch.arange(size) + number) % 3


def network(holds: int = 100) -> Tight:
    module = Tight(holds)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.linspace(-1, 1, parameter.numel()).view(parameter.shape))
    return module


def plain(module: nn.Module, dtype=torch.float32, optimizer="sgd", clip_norm=None) -> Stepper:
    """As on a GPU: fused where torch can, the rate a tensor."""
    rate = torch.tensor(RATE)
    match optimizer:
        case "sgd":
            built = torch.optim.SGD(module.parameters(), lr=rate, momentum=0.9, nesterov=True, fused=True)
        case "adamw":
            built = torch.optim.AdamW(module.parameters(), lr=rate, fused=True)
        case "rmsprop":
            built = torch.optim.RMSprop(module.parameters(), lr=rate, foreach=True)
    loss = build_loss(TrainSpec(), None)
    return Stepper(module, built, loss, device=CPU, dtype=dtype, clip_norm=clip_norm)


def trained(step, module, batches, falling=True) -> list[Tensor]:
    """The losses, and the weights at the end."""
    optimizer, losses = (step._step if isinstance(step, GraphedStepper) else step).optimizer, []
    for number, (images, labels) in enumerate(batches):
        set_learning_rate(optimizer, RATE / (1 + number * falling))
        losses.append(step(images, labels).clone())
    return [*losses, *(parameter.detach().clone() for parameter in module.parameters())]


def both(recorded, batches, **options) -> tuple[list[Tensor], list[Tensor], GraphedStepper]:
    one, other = network(), network()
    graphed = GraphedStepper(plain(other, **options), [], recorded)
    return trained(plain(one, **options), one, batches), trained(graphed, other, batches), graphed


@pytest.mark.parametrize("clip_norm", [None, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_replays_move_the_weights_as_plain_steps_do(recorded_graphs, dtype, optimizer, clip_norm):
    recorded = recorded_graphs()
    batches = [batch(number) for number in range(9)]
    options = {"dtype": dtype, "optimizer": optimizer, "clip_norm": clip_norm}
    expected, found, graphed = both(recorded, batches, **options)
    assert graphed.is_replaying
    assert (recorded.beside, recorded.made[0].replays) == (3, 6)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_a_replay_skips_an_update_whose_gradients_overflow_fp16(recorded_graphs):
    batches = [batch(number) for number in range(9)]
    batches[6] = (torch.full((12, 6), torch.inf), batches[6][1])
    options = {"dtype": torch.float16, "clip_norm": 1.0}
    expected, found, graphed = both(recorded_graphs(), batches, **options)
    assert graphed.is_replaying
    assert graphed.scaler.get_scale() == 2.0**15
    assert all(torch.equal(a, b) for a, b in zip(expected[7:], found[7:], strict=True))
    assert all(torch.isfinite(weights).all() for weights in found[9:])


def test_fp16_with_an_optimizer_that_asks_on_the_host_is_not_recorded(recorded_graphs):
    recorded = recorded_graphs()
    batches = [batch(number) for number in range(6)]
    options = {"dtype": torch.float16, "optimizer": "rmsprop"}
    expected, found, graphed = both(recorded, batches, **options)
    assert (recorded.made, graphed.is_replaying) == ([], False)
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_a_batch_of_another_shape_is_trained_plainly_and_the_next_is_replayed(recorded_graphs):
    recorded = recorded_graphs()
    batches = [batch(number, 5 if number in (5, 7) else 12) for number in range(9)]
    expected, found, _ = both(recorded, batches)
    assert recorded.made[0].replays == 4
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


def test_images_that_grow_for_good_are_recorded_anew(recorded_graphs):
    recorded = recorded_graphs()
    batches = [batch(number, 5 if number >= 6 else 12) for number in range(14)]
    expected, found, graphed = both(recorded, batches)
    assert [graph.replays for graph in recorded.made] == [3, 5]
    assert graphed.is_replaying
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize(
    "failure",
    [
        RuntimeError("CUDA error: operation failed due to a previous error during capture\nhints"),
        torch.OutOfMemoryError("CUDA out of memory."),
    ],
)
def test_a_failed_recording_costs_nothing_but_the_graph(recorded_graphs, caplog, failure, dtype):
    recorded = recorded_graphs(failure)
    batches = [batch(number) for number in range(7)]
    expected, found, graphed = both(recorded, batches, dtype=dtype, clip_norm=0.1)
    assert not graphed.is_replaying
    assert len(recorded.made) == 1
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"no CUDA graph of the training step ({str(failure).partition(chr(10))[0]})")


def test_generators_draw_on_after_a_failed_recording(recorded_graphs):
    own, default = Generator(), Generator()
    failure = RuntimeError("operation not permitted when stream is capturing")
    recorded = recorded_graphs(failure, generators=[default])
    module = network()
    step = GraphedStepper(plain(module), [own], recorded)
    for number in range(3):
        step(*batch(number))
    assert own.draw() == 1
    shared = own.state

    def forward(x):
        if recorded.is_recording:
            for generator in (own, default):
                generator.state["is_recorded"] = True
                generator.state["drawn"] += 7
        return Tight.forward(module, x)

    module.forward = forward
    step(*batch(3))
    assert shared["is_recorded"]
    assert (own.draw(), default.draw()) == (2, 1)


def test_short_memory_in_the_first_steps_leaves_the_graph_out(recorded_graphs):
    recorded = recorded_graphs()
    roomy, tight = network(), network(holds=5)
    step = GraphedStepper(plain(tight), [], recorded)
    batches = [batch(number) for number in range(6)]
    expected, found = trained(plain(roomy), roomy, batches), trained(step, tight, batches)
    assert recorded.made == []
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(expected, found, strict=True))


def test_memory_that_lacks_only_while_recording_leaves_the_plain_step_whole(recorded_graphs):
    module = network()
    step = GraphedStepper(plain(module), [], recorded_graphs(torch.OutOfMemoryError("CUDA out of memory.")))
    for number in range(5):
        step(*batch(number))
    assert step._step.piece is None


class Unlucky:
    """An optimizer's step, or a network's clipping, that lacks memory the first time."""

    def __init__(self, work) -> None:
        self.work, self.calls = work, 0

    def __call__(self, *args, **kwargs):
        self.calls += 1
        if self.calls == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 MiB")
        return self.work(*args, **kwargs)


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop"])
@pytest.mark.parametrize("clip_norm", [None, 0.1])
def test_short_memory_after_the_gradients_unscales_them_once(optimizer, clip_norm):
    """It raised `unscale_() has already been called on this optimizer`, or unscaled by the square."""
    smooth, rough = network(), network()
    options = {"dtype": torch.float16, "optimizer": optimizer, "clip_norm": clip_norm}
    steps = plain(smooth, **options), plain(rough, **options)
    broken = steps[1].optimizer
    broken.step = unlucky = Unlucky(broken.step)
    batches = [batch(number) for number in range(3)]
    found = [trained(step, module, batches) for step, module in zip(steps, (smooth, rough), strict=True)]
    assert unlucky.calls == 4
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_memory_that_stays_short_in_the_update_is_the_reason_given():
    module = network()
    step = plain(module, dtype=torch.float16, clip_norm=0.1)
    before = copy.deepcopy(module.state_dict())

    def never(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    step.optimizer.step = never
    with pytest.raises(torch.OutOfMemoryError):
        step(*batch())
    assert all(torch.equal(before[name], each) for name, each in module.state_dict().items())
