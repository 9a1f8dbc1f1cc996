import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import open_dataset

pytestmark = pytest.mark.slow(reason="each starts an interpreter of its own")
FILES = Path(__file__).parents[3] / "search_spaces"
HEAVY = ("torch", "torchvision", "ray", "mlflow", "optuna", "scipy", "sklearn", "pyarrow", "matplotlib")
VERB = f"""\
import json, sys
from sweeper.cli import run
code = run(sys.argv[1:])
print(json.dumps([code, [name for name in {HEAVY} if name in sys.modules]]))
"""


def started(*words: str) -> list[object]:
    """The exit code of a verb in a process of its own, and what of the heavy packages it loaded."""
    done = subprocess.run([sys.executable, "-c", VERB, *words], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["digits.yaml", "studies/uecfood_2017.yaml"])
def test_a_file_is_validated_without_what_training_needs(name: str) -> None:
    assert started("validate", str(FILES / name)) == [0, []]


def test_a_wrong_file_is_refused_without_what_training_needs() -> None:
    file = str(FILES / "digits.yaml")
    assert started("validate", file, "-o", "parameters.dropuot=[0.1]") == [2, []]


@pytest.mark.parametrize("words", [("--help",), ("list",), ("list", "--json"), ("status", "shelf")])
def test_what_only_reads_loads_nothing_heavy(shelf, words: tuple[str, ...]) -> None:
    assert started(*words) == [0, []]


def test_a_resume_with_nothing_to_do_loads_nothing_heavy(shelf) -> None:
    assert started("resume", "shelf") == [2, []]


def test_an_extension_loads_nothing_heavy(shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(shelf.runs, tmp_path / "runs")
    monkeypatch.setenv("SWEEPER_RUNS", str(tmp_path / "runs"))
    assert started("extend", "shelf", "--trials", "+2") == [0, []]


TRIAL = """\
import json, sys
from pathlib import Path
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.training.trial_workload import Training
from sweeper.trial import Trial
folder = Path(sys.argv[1])
dataset = DatasetSpec.model_validate({"source": "digits"})
training = Training(dataset, TrainSpec(epochs=1), "valid/top1", folder / "cache", folder / "checkpoints")
reports = list(training(Trial("t", 0, {"pixels": 8, "layers": 1, "filters": 8}, 1, 1)))
rest = ("torchvision", "ray", "mlflow", "optuna", "scipy", "sklearn", "pandas", "matplotlib")
print(json.dumps([len(reports), [name for name in rest if name in sys.modules]]))
"""


def test_a_trained_trial_has_loaded_torch_and_nothing_else_that_is_heavy(tmp_path: Path) -> None:
    images = DatasetSpec.model_validate({"source": "digits"})
    open_dataset(images, pixels=8, cache=tmp_path / "cache")  # as a worker finds them
    words = [sys.executable, "-c", TRIAL, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [1, []]
