"""The data path against what one would otherwise use: decoding, gathering, sharing, and a whole epoch.

    python benchmarks/data.py [--json] [--rounds 3]

JPEGs of 200 to 900 px a side in class folders: crops of scikit-learn's two photographs with grain, about
100 KB each. torchvision's ImageFolder with a DataLoader reads them as they are, sweeper from its store. One
thread; variants take turns; figures are per CPU-second. End to end, an epoch of sweeper's bears a twentieth
of the single decode: the default is 20 epochs.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from parts.measure import Claim, finish, options, per_cpu_second
from parts.peer import Peer
from PIL import Image
from sklearn.datasets import load_sample_images
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.data.augment import augmentation
from sweeper.data.dataset import Dataset, open_dataset
from sweeper.data.decode import decode
from sweeper.data.store import open_store
from sweeper.models import model
from sweeper.training.device import keep_memory
from sweeper.training.optim import build_loss, build_optimizer
from sweeper.training.step import Stepper

CLASSES, JPEGS, EPOCHS, BATCH = 8, 384, 20, 128
SIZES = (48, 64, 96, 128)
STORED = 4_000  # images of the stores that are gathered from: 49 MB at 64 px, 197 MB at 128 px
WIDTHS = (32, 64, 64, 128)


def write_jpegs(root: Path) -> None:
    drawn = np.random.default_rng(0)
    photos = [Image.fromarray(photo) for photo in load_sample_images().images]
    for number in range(JPEGS):
        folder = root / f"class{number % CLASSES}"
        folder.mkdir(parents=True, exist_ok=True)
        width, height = (int(side) for side in drawn.integers(200, 900, 2))
        side = int(drawn.integers(150, 400))
        left, top = (int(place) for place in drawn.integers(0, 427 - side, 2))
        crop = photos[number % 2].crop((left, top, left + side, top + side)).resize((width, height))
        grain = drawn.normal(0, 8, (height, width, 3))
        noisy = np.clip(np.asarray(crop) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(folder / f"{number}.jpg", quality=80)


def loader(root: Path, pixels: int, *, augmented: bool = False) -> DataLoader[tuple[Tensor, Tensor]]:
    geometry = [
        v2.RandomAffine(90, translate=(0.2, 0.2)),
        v2.RandomHorizontalFlip(),
        v2.RandomVerticalFlip(),
    ]
    steps = [v2.Resize((pixels, pixels)), *(geometry if augmented else [])]
    steps += [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return DataLoader(ImageFolder(str(root), v2.Compose(steps)), batch_size=BATCH, shuffle=augmented)


def count(batches: Iterator[tuple[Tensor, Tensor]] | DataLoader[tuple[Tensor, Tensor]]) -> int:
    return sum(len(labels) for _, labels in batches)


def stored(pixels: int, cache: Path) -> Dataset:
    spec = {"source": "synthetic", "classes": CLASSES, "per_class": STORED // CLASSES, "size": pixels}
    split = {"train": 0.98, "valid": 0.01, "test": 0.01}
    return open_dataset(DatasetSpec.model_validate(spec | {"split": split}), pixels=pixels, cache=cache)


def reading(root: Path, cache: Path, rounds: int) -> tuple[dict[str, float], list[Claim]]:
    figures: dict[str, float] = {}
    claims: list[Claim] = []
    for pixels, bound in ((64, 100.0), (128, 25.0)):
        data = stored(pixels, cache)
        generator = torch.Generator().manual_seed(0)
        rates = per_cpu_second(
            {
                "ImageFolder + DataLoader": lambda pixels=pixels: count(loader(root, pixels)),
                "store": lambda data=data, generator=generator: count(
                    data.batches("train", batch_size=BATCH, generator=generator)
                ),
            },
            rounds,
        )
        figures |= {f"{name}, {pixels} px, images/s": rate for name, rate in rates.items()}
        claims.append(
            Claim(f"reading at {pixels} px", rates["store"] / rates["ImageFolder + DataLoader"], bound)
        )
        gathers = gathering(data, rounds)
        figures |= {f"{name}, {pixels} px, images/s": rate for name, rate in gathers.items()}
        claims.append(
            Claim(f"gathering at {pixels} px", gathers["index_select(out=)"] / gathers["x[rows]"], 4.0)
        )
    return figures, claims


def gathering(data: Dataset, rounds: int) -> dict[str, float]:
    images = data._rows["train"].images
    flat, buffer = images.flatten(1), torch.empty(BATCH, images[0].numel(), dtype=torch.uint8)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    chunks = order.split(BATCH)[:-1]

    def fancy() -> int:
        return sum(len(images[rows]) for rows in chunks)

    def selected() -> int:
        return sum(len(torch.index_select(flat, 0, rows, out=buffer)) for rows in chunks)

    return per_cpu_second({"x[rows]": fancy, "index_select(out=)": selected}, max(rounds, 5))


def decoding(root: Path, rounds: int) -> tuple[dict[str, float], list[Claim]]:
    files = [path.read_bytes() for path in sorted(root.rglob("*.jpg"))[:96]]

    def in_one_pass() -> int:
        return sum(len(decode(raw, SIZES)) == len(SIZES) for raw in files)

    def a_pass_a_size() -> int:
        return sum(len([decode(raw, [size]) for size in SIZES]) == len(SIZES) for raw in files)

    rates = per_cpu_second({"a pass a size": a_pass_a_size, "one pass": in_one_pass}, rounds)
    figures = {f"{name}, 4 sizes, images/s": rate for name, rate in rates.items()}
    return figures, [Claim("one pass for 4 sizes", rates["one pass"] / rates["a pass a size"], 1.5)]


def sharing(cache: Path) -> tuple[dict[str, float], list[Claim]]:
    """Four processes at once, each having gathered an epoch: from the store, or from a copy of its own."""
    path = next(cache.rglob("128.arrow"))
    figures = {}
    for kind in ("store", "copy"):
        readers = [Peer(__file__, "--reader", kind, "--path", str(path)) for _ in range(4)]
        for reader in readers:
            reader.hear()  # has gathered its epoch, and waits
        figures[f"4 readers, {kind}: PSS together, MB"] = sum(reader.ask() for reader in readers)
        for reader in readers:
            reader.end()
    shared, copied = figures.values()
    return figures, [Claim("PSS of 4 readers of a store to 4 copies", shared / copied, 0.4, at_most=True)]


def read_an_epoch(kind: str, path: Path) -> None:
    before = pss()
    store = open_store(path)
    assert store is not None
    images = store.images if kind == "store" else torch.from_numpy(store.images.numpy().copy())
    if kind == "copy":
        del store
    flat, buffer = images.flatten(1), torch.empty(BATCH, images[0].numel(), dtype=torch.uint8)
    for rows in torch.randperm(len(images), generator=torch.Generator().manual_seed(0)).split(BATCH):
        torch.index_select(flat, 0, rows, out=buffer[: len(rows)])
    print(0, flush=True)
    sys.stdin.readline()
    print((pss() - before) / 1e3, flush=True)
    sys.stdin.readline()


def pss() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def end_to_end(root: Path, rounds: int) -> tuple[dict[str, float], list[Claim]]:
    """Processes of their own that take turns, because how memory is kept is a process's choice."""
    figures: dict[str, float] = {}
    claims: list[Claim] = []
    for pixels, bound in ((64, 4.0), (128, 3.5)):
        peers = {
            kind: Peer(__file__, "--train", kind, "--path", str(root), "--pixels", str(pixels))
            for kind in ("usual", "ours")
        }
        found: dict[str, list[float]] = {kind: [] for kind in peers}
        for peer in peers.values():
            peer.hear()
        for _ in range(rounds):
            for kind, peer in peers.items():
                found[kind].append(peer.ask())
        for peer in peers.values():
            peer.end()
        rates = {kind: sorted(each)[rounds // 2] for kind, each in found.items()}
        figures |= {f"end to end, {kind}, {pixels} px, images/s": rate for kind, rate in rates.items()}
        claims.append(Claim(f"end to end at {pixels} px", rates["ours"] / rates["usual"], bound))
    return figures, claims


def train(kind: str, root: Path, pixels: int) -> None:
    """Answers each line with images a CPU-second of an epoch, the first one not counted."""
    epoch = ours(root, pixels) if kind == "ours" else usual(root, pixels)
    epoch()
    print(0, flush=True)
    while sys.stdin.readline():
        start = time.process_time()
        extra = epoch()
        print(JPEGS / (time.process_time() - start + extra), flush=True)


def usual(root: Path, pixels: int) -> Callable[[], float]:
    """What one writes without sweeper: folder, DataLoader, transforms image by image, plain layers, Adam."""
    layers: list[nn.Module] = []
    for before, width in zip((3, *WIDTHS), WIDTHS, strict=False):
        layers += [nn.Conv2d(before, width, 2, padding="same"), nn.ReLU(), nn.MaxPool2d(2)]
    module = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTHS[-1], CLASSES))
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3)
    data = loader(root, pixels, augmented=True)

    def epoch() -> float:
        for images, labels in data:
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(images), labels).backward()
            optimizer.step()
        return 0.0

    return epoch


def ours(root: Path, pixels: int) -> Callable[[], float]:
    """sweeper's store, augmentation and training step; an epoch bears its share of the decoding."""
    keep_memory()
    split = {"train": 1 - 2e-6, "valid": 1e-6, "test": 1e-6}
    spec = DatasetSpec.model_validate({"source": "image_folder", "root": str(root), "split": split})
    with tempfile.TemporaryDirectory() as cache:
        start = time.process_time()
        data = open_dataset(spec, pixels=pixels, cache=Path(cache))
        share = (time.process_time() - start) / EPOCHS
    options = {"layers": len(WIDTHS), "filters": list(WIDTHS), "kernel": 2, "batch_norm": False}
    module = model["cnn"]((3, pixels, pixels), CLASSES, **model.check("cnn", options))
    settings = TrainSpec()
    step = Stepper(
        module.to(memory_format=torch.channels_last),
        build_optimizer(module, settings, torch.device("cpu")),
        build_loss(settings, None),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
    generator, policy = torch.Generator().manual_seed(0), augmentation["basic"]()

    def epoch() -> float:
        for images, labels in data.batches(
            "train", batch_size=BATCH, generator=generator, augmentation=policy
        ):
            step(images, labels)
        return share

    return epoch


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reader", choices=("store", "copy"), help="be one of the readers")
    parser.add_argument("--train", choices=("usual", "ours"), help="be one of those that train")
    parser.add_argument("--path", type=Path)
    parser.add_argument("--pixels", type=int)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.reader:
        read_an_epoch(asked.reader, asked.path)
        return 0
    if asked.train:
        train(asked.train, asked.path, asked.pixels)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder) / "jpegs", Path(folder) / "cache"
        write_jpegs(root)
        parts = [
            reading(root, cache, asked.rounds),
            decoding(root, asked.rounds),
            sharing(cache),
            end_to_end(root, asked.rounds),
        ]
    figures = {name: value for found, _ in parts for name, value in found.items()}
    claims = [claim for _, found in parts for claim in found]
    return finish("data", figures, claims, as_json=asked.json, runs=asked.rounds)


if __name__ == "__main__":
    sys.exit(main())
