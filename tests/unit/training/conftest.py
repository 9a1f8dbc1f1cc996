from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import TorchDispatchMode

CLASSES = 4
PIXELS = 8


class Patterns:
    """Noisy pictures of one pattern a class: learnt in a few epochs, like the real Dataset to training."""

    classes = tuple("abcd")
    digest = "patterns"

    def __init__(self, sizes: dict[str, int], pixels: int = PIXELS) -> None:
        self.shape = (1, pixels, pixels)
        generator = torch.Generator().manual_seed(5)
        patterns = torch.empty(CLASSES, *self.shape).normal_(generator=generator)
        self._images: dict[str, Tensor] = {}
        self._labels: dict[str, Tensor] = {}
        self.opened: list[str] = []
        self.epochs: list[int] = []
        for split, size in sizes.items():
            labels = torch.arange(size) % CLASSES
            noise = torch.empty(size, *self.shape).normal_(generator=generator)
            self._images[split] = patterns[labels] + 0.5 * noise
            self._labels[split] = labels

    def size(self, split: str) -> int:
        return len(self._labels[split])

    def labels(self, split: str) -> Tensor:
        return self._labels[split]

    def batches(
        self, split, *, batch_size, generator=None, augmentation=None, drop_last=False, epoch=0, device="cpu"
    ) -> Iterator[tuple[Tensor, Tensor]]:
        self.opened.append(split)
        if epoch:
            self.epochs.append(epoch)
        order = torch.arange(self.size(split))
        if generator is not None:
            order = torch.randperm(len(order), generator=generator)
        for rows in order.split(batch_size):
            if not drop_last or len(rows) == batch_size:
                yield self._images[split][rows].to(device), self._labels[split][rows].to(device)


@pytest.fixture
def patterns() -> Patterns:
    return Patterns({"train": 150, "valid": 40, "test": 20})


@pytest.fixture
def pictures() -> Patterns:
    """Large enough for a pretrained backbone."""
    return Patterns({"train": 24, "valid": 8, "test": 8}, pixels=32)


def leaves(given: Any) -> list[Tensor]:
    """The tensors of an operation's argument or result."""
    parts = given if isinstance(given, list | tuple) else [given]
    return [part for part in parts if isinstance(part, Tensor)]


class RecordedWork(TorchDispatchMode):
    """A CUDA graph on the CPU: it repeats each operation on the memory on which it was recorded.

    As with CUDA, recording changes nothing (what it wrote is put back), whatever was a number on the host
    stays what it was, and reading a value from the device ends the recording.
    """

    def __init__(self, failure: Exception | None = None, at: str = "") -> None:
        super().__init__()
        self.failure, self.at = failure, at
        self.calls: list[tuple[Any, Any, Any, Any]] = []
        self.before: list[tuple[Tensor, Tensor]] = []
        self.drawn: list[tuple[torch.Generator, Tensor]] = []
        self.replays = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing")
        if self.failure and self.at in func._schema.name:
            raise self.failure
        for given, told in zip(args, func._schema.arguments, strict=False):
            is_statistic = told.name.startswith("running_")  # BatchNorm writes them without saying so
            if is_statistic or (told.alias_info is not None and told.alias_info.is_write):
                self.before += [(tensor, tensor.clone()) for tensor in leaves(given)]
        made = func(*args, **kwargs)
        if func._schema.name not in VIEWS:
            self.calls.append((func, args, kwargs, made))
        return made

    @torch.no_grad()
    def put_back(self) -> None:
        for tensor, value in reversed(self.before):
            tensor.copy_(value)
        for generator, state in self.drawn:
            generator.set_state(state)
        self.before.clear()

    def register_generator_state(self, generator) -> None:
        if isinstance(generator, torch.Generator):
            self.drawn.append((generator, generator.get_state()))

    def replay(self) -> None:
        self.replays += 1
        with torch.no_grad():
            for func, args, kwargs, made in self.calls:
                again = func(*args, **kwargs)
                for old, new in zip(leaves(made), leaves(again), strict=True):
                    if old is not new:
                        old.copy_(new)

    def reset(self) -> None:
        self.calls.clear()


VIEWS = {f"aten::{name}" for name in ("view", "t", "detach", "split", "select", "slice", "expand", "alias")}


@dataclass
class RecordedGraphs:
    """`failure` is raised where the operation `at` is recorded; `made` are all graphs that were asked for."""

    failure: Exception | None = None
    at: str = "fused_sgd"
    generators: list[Any] = field(default_factory=list)
    made: list[RecordedWork] = field(default_factory=list)
    beside: int = 0
    is_recording: bool = False

    def new(self) -> RecordedWork:
        self.made.append(RecordedWork(self.failure, self.at))
        return self.made[-1]

    @contextmanager
    def recording(self, graph: RecordedWork) -> Iterator[None]:
        self.is_recording = True
        try:
            with graph:
                yield
        finally:
            self.is_recording = False
            graph.put_back()

    @contextmanager
    def aside(self) -> Iterator[None]:
        self.beside += 1
        yield

    def default_generators(self) -> list[Any]:
        return self.generators


@pytest.fixture
def recorded_graphs() -> type[RecordedGraphs]:
    """What stands for CUDA's graphs where there is no GPU."""
    return RecordedGraphs
