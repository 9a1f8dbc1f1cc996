"""What trials that train as one gain on one thread of a CPU over the same trials one after the other.

    python benchmarks/packs.py [--members 4] [--rounds 8]

Small networks on images of noise, 1,259 to train as in digits; both ways take turns, and what is compared are
CPU-seconds of an epoch, validation included. The first epoch of each is left out.
"""

import argparse
import statistics
import sys
import time

import torch
from gpu import Noise
from parts.anytime import ratio_interval
from parts.measure import cpu
from parts.pack_gain import alike, pack_seconds

CPU = torch.device("cpu")
IMAGES, CLASSES, EPOCHS = 1_259, 10, 4
CASES = {
    "8 px, a block of 8 filters, batch 64": ({"pixels": 8, "layers": 1, "filters": [8]}, 64),
    "8 px, 16-32 filters, batch 32": ({"pixels": 8, "layers": 2, "filters": [16, 32]}, 32),
    "16 px, 16-32 filters, batch 32": ({"pixels": 16, "layers": 2, "filters": [16, 32]}, 32),
    "32 px, 16-32-64 filters, batch 64": ({"pixels": 32, "layers": 3, "filters": [16, 32, 64]}, 64),
}  # fmt: skip


def ratio(name: str, members: int) -> float:
    """How many times as long the trials take one after the other."""
    config, batch_size = CASES[name]
    data = Noise(IMAGES, config["pixels"], tuple(str(number) for number in range(CLASSES)))
    took = {}
    for as_one in (True, False):
        seconds = pack_seconds(
            alike(config, members), data, CPU, as_one=as_one, epochs=EPOCHS, batch_size=batch_size,
            clock=time.process_time,
        )  # fmt: skip
        took[as_one] = statistics.fmean(seconds[1:])
    return took[False] / took[True]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=8)
    asked = parser.parse_args()
    rounds = [{name: ratio(name, asked.members) for name in CASES} for _ in range(asked.rounds)]
    print(f"{cpu()}, torch {torch.__version__}, one thread, packs of {asked.members}, {asked.rounds} rounds")
    for name in CASES:
        middle, low, high = ratio_interval([each[name] for each in rounds])
        print(f"{name:36} one after the other takes {middle:.2f} times as long ({low:.2f} to {high:.2f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
