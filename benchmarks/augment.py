"""Augmenting a batch at once against image by image, and how far the two differ.

    python benchmarks/augment.py [--json] [--rounds 5]

The food study's policy (rotation within 90 degrees, shifts within 20 %, both flips) on 128 images; one
thread, variants in turns, per CPU-second. sweeper resamples the batch at once; torchvision v2 goes image by
image, on tensors; Keras' ImageDataGenerator calls scipy (order 1, nearest edge) for each plane.
"""

import math
import sys

import numpy as np
import scipy.ndimage
import torch
from parts.measure import Claim, finish, options, per_cpu_second
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as V

from sweeper.data.augment import augmentation
from sweeper.data.augment.parts.affine import matrices, resample
from sweeper.training.device import keep_memory

BATCH = 128


def images(pixels: int) -> Tensor:
    return torch.empty(BATCH, 3, pixels, pixels).uniform_(generator=torch.Generator().manual_seed(0))


def keras(batch: np.ndarray, drawn: np.random.Generator) -> None:
    """`ImageDataGenerator.random_transform` with Keras' own steps, on images (height, width, channels)."""
    made_batch = np.zeros_like(batch)
    for number, image in enumerate(batch):
        angle = math.radians(drawn.uniform(-90, 90))
        down, right = drawn.uniform(-0.2, 0.2, 2) * image.shape[:2]
        turn = np.array(
            [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
        )
        moved = turn @ np.array([[1, 0, down], [0, 1, right], [0, 0, 1]])
        height, width = image.shape[0] / 2 - 0.5, image.shape[1] / 2 - 0.5
        there, back = np.eye(3), np.eye(3)
        there[:2, 2], back[:2, 2] = (height, width), (-height, -width)
        matrix = there @ moved @ back
        planes = [
            scipy.ndimage.affine_transform(
                plane, matrix[:2, :2], matrix[:2, 2], order=1, mode="nearest", cval=0.0
            )
            for plane in np.rollaxis(image, 2, 0)
        ]
        made = np.rollaxis(np.stack(planes, axis=0), 0, 3)
        if drawn.uniform() < 0.5:
            made = made.swapaxes(1, 0)[::-1].swapaxes(0, 1)
        if drawn.uniform() < 0.5:
            made = made[::-1]
        made_batch[number] = made


def rates(pixels: int, rounds: int) -> dict[str, float]:
    batch = images(pixels)
    arrays = batch.permute(0, 2, 3, 1).contiguous().numpy()
    policy, generator = augmentation["basic"](), torch.Generator().manual_seed(0)
    by_image = v2.Compose(
        [
            v2.RandomAffine(90, translate=(0.2, 0.2), interpolation=InterpolationMode.BILINEAR),
            v2.RandomHorizontalFlip(),
            v2.RandomVerticalFlip(),
        ]
    )
    drawn = np.random.default_rng(0)

    def ours() -> int:
        for _ in range(4):
            policy(batch, generator)
        return 4 * BATCH

    def torchvision() -> int:
        torch.stack([by_image(image) for image in batch])
        return BATCH

    def scipys() -> int:
        keras(arrays[:32], drawn)
        return 32

    return per_cpu_second({"sweeper": ours, "torchvision v2": torchvision, "Keras (scipy)": scipys}, rounds)


def difference(pixels: int) -> float:
    """Largest, in gray levels, from torchvision on the same parameters (zeros outside, as it does)."""
    batch = images(pixels)
    draws = torch.empty(5, BATCH).uniform_(-1, 1, generator=torch.Generator().manual_seed(1))
    degrees, shift, flip = draws[0] * 90, (draws[1:3] * 0.2 * pixels).round() / pixels, draws[3:].sign()
    ours = resample(batch, matrices(degrees * math.pi / 180, shift, torch.ones(BATCH), flip), "zeros")
    worst = 0.0
    for number, image in enumerate(batch):
        theirs = V.affine(
            image,
            angle=float(degrees[number]),
            translate=[float(each) * pixels for each in shift[:, number]],
            scale=1.0,
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        theirs = V.horizontal_flip(theirs) if flip[0, number] < 0 else theirs
        theirs = V.vertical_flip(theirs) if flip[1, number] < 0 else theirs
        worst = max(worst, float((ours[number] - theirs).abs().max()) * 255)
    return worst


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    keep_memory()  # as every trial does on a CPU
    figures: dict[str, float] = {}
    claims: list[Claim] = []
    for pixels, bound in ((64, 5.0), (128, 2.5)):
        found = rates(pixels, asked.rounds)
        figures |= {f"{name}, {pixels} px, images/s": rate for name, rate in found.items()}
        claims += [
            Claim(f"to torchvision v2 at {pixels} px", found["sweeper"] / found["torchvision v2"], bound),
            Claim(f"to Keras' geometry at {pixels} px", found["sweeper"] / found["Keras (scipy)"], 12.0),
            Claim(
                f"difference from torchvision at {pixels} px", difference(pixels), 0.01, "/255", at_most=True
            ),
        ]
    return finish("augment", figures, claims, as_json=asked.json, runs=asked.rounds)


if __name__ == "__main__":
    sys.exit(main())
