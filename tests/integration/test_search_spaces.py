"""Every sweep file whose images are on this machine trains for an epoch, through the installed script.

The archives are looked for in `$SWEEPER_TEST_DATA`, else beside the checkout in `shared/data`.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("SWEEPER_TEST_DATA", ROOT.parent / "shared" / "data"))
GROCERIES, CIFAR10 = "freiburg25.tar", "cifar-10-jpeg-subset-python.tar.gz"
SMALL = ("parameters.pixels=16", "parameters.layers=2", "parameters.filters=[16]")

SWEEPS = [
    ("digits.yaml", None, (*SMALL, "budget={trials: 2}", "scheduler={type: none}")),
    ("groceries.yaml", GROCERIES, (*SMALL, "budget={trials: 1}", "scheduler={type: none}")),
    (
        "cifar10.yaml",
        CIFAR10,
        (
            "parameters.layers=2",
            "parameters.filters=[16]",
            "parameters.normalization=[none, standardize]",  # ZCA takes half a minute to fit
            "budget={trials: 1}",
            "scheduler={type: none}",
        ),
    ),
]


@pytest.fixture(scope="module")
def unpacked(machine: Any) -> Any:
    """`unpacked("freiburg25.tar")`: the folder with its images, unpacked once; skips where it is not here."""
    folders: dict[str, str] = {}

    def fetch(archive: str) -> str:
        if not (DATA / archive).is_file():
            pytest.skip(f"needs {DATA / archive}, or its folder in $SWEEPER_TEST_DATA")
        if archive not in folders:
            said = machine.run(
                "data", "fetch", str(DATA / archive), "--to", str(machine.folder / archive[:6])
            )
            assert said.returncode == 0, said.stderr
            folders[archive] = said.stdout.splitlines()[0]  # "set dataset.root to it"
        return folders[archive]

    return fetch


def launched(machine: Any, file: str, settings: tuple[str, ...]) -> Any:
    """The answer as JSON and as text, after one epoch in a process of its own."""
    words = [word for setting in ("train.epochs=1", *settings) for word in ("-o", setting)]
    done = machine.run("launch", str(ROOT / "search_spaces" / file), "--runner", "local", "-q", "-y", *words)
    assert done.returncode == 0, done.stderr
    best = machine.run("best", Path(file).stem, "--json")
    return json.loads(best.stdout), done.stdout


@pytest.mark.parametrize(("file", "archive", "settings"), SWEEPS, ids=[row[0] for row in SWEEPS])
def test_it_trains_for_an_epoch_and_answers(file, archive, settings, machine, unpacked) -> None:
    root = (f"dataset.root={unpacked(archive)}",) if archive else ()
    answer, _ = launched(machine, file, (*root, *settings))
    assert set(answer["trials"]) == {"completed"}
    assert answer["best"]["epochs"] == 1
    assert answer["best"]["test"]


def test_the_first_point_of_a_study_stands_beside_its_published_figures(machine, unpacked) -> None:
    settings = (f"dataset.root={unpacked(CIFAR10)}", "budget={trials: 1}")
    answer, printed = launched(machine, "studies/cifar_notes.yaml", settings)
    (line,) = answer["published"]
    assert line["point"] == "small CNN"
    assert line["published"]["counted"] == line["measured"]["parameters"] == 258_762
    assert line["measured"]["test"]["top1"] > 0.2  # a tenth is chance
    assert "Published beside measured" in printed
