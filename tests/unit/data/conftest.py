"""Real photographs where they lie beside the checkout, and small folders of drawn ones everywhere."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def real_data(tmp_path_factory):
    """`real_data("freiburg25")`: the folder of that name, unpacked once a session."""
    home = Path(os.environ.get("SWEEPER_TEST_DATA", _ROOT.parent / "shared" / "data"))
    archives = {
        "freiburg25": "freiburg25.tar",
        "UECFOOD256": "uecfood256-one-per-class.tar",
        "cifar-10-batches-py": "cifar-10-jpeg-subset-python.tar.gz",
    }
    target = tmp_path_factory.mktemp("real")

    def unpacked(name):
        archive = home / archives[name]
        if not archive.is_file():
            pytest.skip(f"no {archive.name} in {home}: set SWEEPER_TEST_DATA")
        if not (target / name).exists():
            with tarfile.open(archive) as opened:
                opened.extractall(target, filter="data")
        return target / name

    return unpacked


@pytest.fixture
def encoded():
    """`encoded(seed, format, mode, size)`: the bytes of a small image whose content follows from the seed."""

    def make(seed=0, format="JPEG", mode="RGB", size=(24, 20)):
        noise = np.random.default_rng(seed).integers(0, 256, (5, 6, 4), dtype=np.uint8)
        image = Image.fromarray(noise, "RGBA").resize(size).convert("RGB").convert(mode)
        file = io.BytesIO()
        image.save(file, format)
        return file.getvalue()

    return make


@pytest.fixture
def photos(tmp_path, encoded):
    """`photos({"a": 3, "b": 2})`: a folder a class with that many different images."""

    def make(counts, root=None):
        root = root or tmp_path / "photos"
        for label, (name, count) in enumerate(counts.items()):
            (root / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (root / name / f"{number}.jpg").write_bytes(encoded(1000 * label + number))
        return root

    return make
