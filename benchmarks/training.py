"""Two claims about training on a CPU, measured in one run of under two minutes.

    python benchmarks/training.py

1. Layout: channels_last and pooling before ReLU train at least 1.6 times as fast as the plain module,
   with the same gradients.
2. Memory: keeping freed memory (`sweeper.training.device.keep_memory`) trains at least 1.4 times as fast
   as glibc's defaults.

Variants alternate, each in seconds of CPU, one thread, so that other work on the machine bends both alike.
The network is the food study's with 91,040 parameters at 64 px, batch 128. Exit status 1 if a claim fails.
"""

import json
import statistics
import subprocess
import sys
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sweeper.config.sections import TrainSpec
from sweeper.models import model
from sweeper.models.parts.count import count
from sweeper.models.parts.initial_weights import initialize
from sweeper.training.device import keep_memory
from sweeper.training.optim import build_loss, build_optimizer
from sweeper.training.step import Stepper

CPU = torch.device("cpu")
WIDTHS = [32, 64, 64, 128]
PIXELS, BATCH, CLASSES = 64, 128, 256
ROUNDS, STEPS = 5, 2
LAYOUT_CLAIM, MEMORY_CLAIM, GRADIENT_CLAIM = 1.6, 1.4, 1e-6


def plain() -> nn.Module:
    """What one writes without thinking of layout: convolution, ReLU, pool, NCHW."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        layers += [nn.Conv2d(channels, width, 2, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
        channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, CLASSES))


def ours() -> nn.Module:
    options = {"layers": len(WIDTHS), "filters": WIDTHS, "kernel": 2, "batch_norm": False}
    module = model["cnn"]((3, PIXELS, PIXELS), CLASSES, **model.check("cnn", options))
    return module.to(memory_format=torch.channels_last)


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    images = torch.empty(BATCH, 3, PIXELS, PIXELS).normal_(generator=generator)
    return images, torch.randint(CLASSES, (BATCH,), generator=generator)


def pair() -> tuple[nn.Module, nn.Module]:
    """The two modules with equal weights."""
    modules = plain(), ours()
    for module in modules:
        initialize(module, torch.Generator().manual_seed(2))
    assert [count(module) for module in modules] == [91_040, 91_040]
    return modules


def gradient_difference(modules: tuple[nn.Module, nn.Module]) -> float:
    """Largest difference, relative to the largest gradient of its tensor.

    In float64: float32's rounding turns the choice between two nearly equal values of a pool about.
    """
    images, labels = (part[:16] for part in batch())
    found = []
    for module in modules:
        F.cross_entropy(module.double()(images.double()), labels).backward()
        found.append([p.grad for p in module.parameters()])
        module.zero_grad()
        module.float()
    return max(((a - b).abs().max() / b.abs().max()).item() for a, b in zip(*found, strict=True))


def stepper(module: nn.Module) -> Stepper:
    train = TrainSpec()
    optimizer = build_optimizer(module, train, CPU)
    return Stepper(module, optimizer, build_loss(train, None), device=CPU, dtype=torch.float32)


def rate(step: Stepper, images: Tensor, labels: Tensor) -> float:
    """Images a CPU-second."""
    began = time.process_time()
    for _ in range(STEPS):
        step(images, labels)
    return STEPS * BATCH / (time.process_time() - began)


def layout() -> tuple[float, float]:
    """Speed of ours over plain (median of the rounds), and the difference of their gradients."""
    keep_memory()
    modules = pair()
    difference = gradient_difference(modules)
    images, labels = batch()
    variants = [
        (stepper(modules[0]), images),
        (stepper(modules[1]), images.contiguous(memory_format=torch.channels_last)),
    ]
    for step, x in variants:
        rate(step, x, labels)
    rounds = [[rate(step, x, labels) for step, x in variants] for _ in range(ROUNDS)]
    return statistics.median(fast / slow for slow, fast in rounds), difference


def memory() -> float:
    """Speed with memory kept over speed without, alternating processes."""
    found: dict[str, list[float]] = {"default": [], "kept": []}
    for _ in range(3):
        for kind, rates in found.items():
            out = subprocess.run(
                [sys.executable, __file__, kind], check=True, capture_output=True, text=True
            ).stdout
            rates.append(json.loads(out))
    return statistics.median(found["kept"]) / statistics.median(found["default"])


def alone(kind: str) -> float:
    """One process's speed, after a warm-up."""
    if kind == "kept":
        keep_memory()
    step = stepper(pair()[1])
    images, labels = batch()
    images = images.contiguous(memory_format=torch.channels_last)
    rate(step, images, labels)
    return statistics.median(rate(step, images, labels) for _ in range(ROUNDS))


def main() -> int:
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        print(json.dumps(alone(sys.argv[1])))
        return 0
    speed, difference = layout()
    kept = memory()
    rows = [
        ("layout: times the plain module's speed", speed, speed >= LAYOUT_CLAIM, f">= {LAYOUT_CLAIM}"),
        ("layout: relative difference of gradients", difference, difference <= GRADIENT_CLAIM, "<= 1e-6"),
        ("memory: times the speed of glibc's defaults", kept, kept >= MEMORY_CLAIM, f">= {MEMORY_CLAIM}"),
    ]
    for name, value, is_met, claim in rows:
        print(f"{name:46} {value:10.3g}   claim {claim:8} {'met' if is_met else 'NOT MET'}")
    return 0 if all(is_met for _, _, is_met, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
