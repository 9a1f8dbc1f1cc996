"""Cost, memory and error of ZCA: exact, low rank, patches.

    python benchmarks/zca.py [--json] [--exact]

Natural images: random crops of scikit-learn's two photographs. Every fit runs in a process of its own; memory
is the peak above what the process held with the images loaded. `--exact` adds the exact fit at 64 px (450
CPU-seconds) and, with it, how much less low rank costs there.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from parts.measure import Claim, finish, options
from sklearn.datasets import load_sample_images
from torch.nn import functional as F

from sweeper.data.batches import Rows
from sweeper.data.normalize import normalization
from sweeper.data.statistics import TrainingRows

# name: (normalization, options, pixels, images)
FITS = {
    "exact, 32 px": ("zca", {"zca_rank": "full"}, 32, 4_500),
    "rank 512, 32 px": ("zca", {"zca_rank": 512}, 32, 4_500),
    "rank 1024, 64 px": ("zca", {"zca_rank": 1024}, 64, 13_000),
    "rank 512, 128 px": ("zca", {"zca_rank": 512}, 128, 4_500),
    "patch, 64 px": ("zca_patch", {}, 64, 4_000),
    "patch, 256 px": ("zca_patch", {}, 256, 1_500),
}
EXACT = {"exact, 64 px": ("zca", {"zca_rank": "full"}, 64, 13_000)}
CHECKED = 256  # images on which a transform is compared with the exact one


def crops(count: int, pixels: int, seed: int) -> torch.Tensor:
    """uint8 (count, pixels, pixels, 3): squares of random size and place, shrunk."""
    generator = torch.Generator().manual_seed(seed)
    photos = [
        torch.from_numpy(photo.copy()).permute(2, 0, 1).float() for photo in load_sample_images().images
    ]
    made = torch.empty(count, pixels, pixels, 3, dtype=torch.uint8)
    for number in range(count):
        photo = photos[number % 2]
        draws = torch.empty(3).uniform_(generator=generator).tolist()
        side = int(min(pixels * (1 + 1.5 * draws[0]), 420))
        top, left = int(draws[1] * (photo.shape[1] - side)), int(draws[2] * (photo.shape[2] - side))
        square = photo[None, :, top : top + side, left : left + side]
        small = F.interpolate(square, (pixels, pixels), mode="bilinear", antialias=True, align_corners=False)
        made[number] = small[0].permute(1, 2, 0).clamp(0, 255).byte()
    return made


def measure(name: str, keep: str) -> dict[str, float]:
    """Fits and applies in this process; the transformed check images go to the file `keep`."""
    torch.set_num_threads(1)
    kind, chosen, pixels, count = (FITS | EXACT)[name]
    images = crops(count, pixels, 0)
    rows = Rows(images, torch.arange(count), torch.zeros(count, dtype=torch.int64))
    check = crops(CHECKED, pixels, 1).permute(0, 3, 1, 2).float() / 255
    plugin = normalization[kind](**normalization.check(kind, chosen))
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    held = memory("VmRSS")
    start = time.process_time()
    fitted = plugin.fit(TrainingRows(rows))
    found = {"cpu_s": time.process_time() - start, "peak_gb": (memory("VmHWM") - held) / 1e6}
    transform = plugin.transform(fitted)
    transform(check[:8])
    start = time.process_time()
    white = transform(check)
    found["apply_us"] = (time.process_time() - start) / CHECKED * 1e6
    torch.save(white, keep)
    return found | {key: float(fitted[key]) for key in ("error", "ratio") if key in fitted}


def memory(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def in_a_process(name: str, folder: Path) -> dict[str, float]:
    keep = folder / f"{name}.pt"
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, "--keep", str(keep)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def difference(folder: Path, one: str, exact: str) -> float:
    found, true = (torch.load(folder / f"{name}.pt") for name in (one, exact))
    return float((found - true).norm() / true.norm())


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--exact", action="store_true", help="also the exact fit at 64 px: 450 CPU-seconds")
    parser.add_argument("--one", help="measure one fit in this process")
    parser.add_argument("--keep", help="where the transformed images go, with --one")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.one, asked.keep)))
        return 0

    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        fits = {name: in_a_process(name, Path(folder)) for name in FITS | (EXACT if asked.exact else {})}
        for name, found in fits.items():
            figures |= {f"{name}: {key}": value for key, value in found.items()}
        figures["rank 512, 32 px: true error"] = difference(Path(folder), "rank 512, 32 px", "exact, 32 px")
        if asked.exact:
            figures["rank 1024, 64 px: true error"] = difference(
                Path(folder), "rank 1024, 64 px", "exact, 64 px"
            )
    return finish("zca", figures, claims(fits), as_json=asked.json, runs=1)


def claims(fits: dict[str, dict[str, float]]) -> list[Claim]:
    made = [
        Claim("rank 512, 128 px: memory", fits["rank 512, 128 px"]["peak_gb"], 4.0, "GB", at_most=True),
        Claim("patch, 256 px: memory", fits["patch, 256 px"]["peak_gb"], 1.0, "GB", at_most=True),
        Claim("rank 1024, 64 px: memory", fits["rank 1024, 64 px"]["peak_gb"], 1.5, "GB", at_most=True),
    ]
    if "exact, 64 px" in fits:
        exact, low = fits["exact, 64 px"], fits["rank 1024, 64 px"]
        made += [
            Claim("exact, 64 px: memory", exact["peak_gb"], 3.0, "GB", at_most=True),
            Claim("64 px: CPU of exact / rank 1024", exact["cpu_s"] / low["cpu_s"], 6.0),
        ]
    return made


if __name__ == "__main__":
    sys.exit(main())
