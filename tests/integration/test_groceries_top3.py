"""The three best networks of a groceries sweep: evaluated, asked, exported to ONNX and run again."""

import json
import os
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from sweeper.cli import run
from sweeper.data.dataset import open_source
from sweeper.data.prepare import prepare
from sweeper.inference.trained_network import Opened, open_trial
from sweeper.launch.create import reopen
from sweeper.store.history import replay
from sweeper.store.paths import SweepPaths, cache_root

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
EACH = 32
"""Photos of a class; the whole set takes minutes to decode on a busy machine."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = Path(os.environ.get("SWEEPER_TEST_DATA", ROOT.parent / "shared" / "data"))
    archive = home / "freiburg25.tar"
    if not archive.is_file():
        pytest.skip(f"needs {archive}, or its folder in $SWEEPER_TEST_DATA")
    target = tmp_path_factory.mktemp("groceries")
    seen: Counter[str] = Counter()
    with tarfile.open(archive) as packed:
        for member in packed:
            folder = str(Path(member.name).parent)
            seen[folder] += member.name.endswith(".jpg")
            if not member.name.endswith(".jpg") or seen[folder] <= EACH:
                packed.extract(member, target, filter="data")
    return target / "freiburg25"


@pytest.fixture(scope="module")
def sweep(photos: Path, tmp_path_factory: pytest.TempPathFactory):
    root = tmp_path_factory.mktemp("sweep")
    settings = (
        f"dataset.root={photos}", "budget.trials=4", "train.epochs=2", "scheduler={type: none}",
        "parameters.pixels=[24, 32]", "parameters.layers=2", "parameters.filters=[16]",
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEPER_RUNS", str(root / "runs"))
        patch.setenv("SWEEPER_CACHE", str(root / "cache"))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        words = [word for setting in settings for word in ("-o", setting)]
        file = str(ROOT / "search_spaces" / "groceries.yaml")
        assert run(["launch", file, "--runner", "local", "-q", "-y", *words]) == 0
        yield SweepPaths.of("groceries")


def best_three(paths: SweepPaths) -> list[Opened]:
    spec, record = reopen(paths)
    trials, meta = list(replay(record.events()).trials.values()), record.meta
    record.close()
    ranked = sorted(trials, key=lambda trial: -trial.best(spec.objective.goal).score)
    cpu = torch.device("cpu")
    return [open_trial(paths, meta, spec, trial, device=cpu) for trial in ranked[:3]]


def same_five(found: np.ndarray, expected: np.ndarray) -> bool:
    """The same five labels in the same order, except that equals (to a millionth) may change places."""
    mine, other = (np.argsort(-shares, kind="stable")[:5] for shares in (found, expected))
    return bool(np.all((mine == other) | (np.abs(expected[mine] - expected[other]) < 1e-6)))


def test_the_top_three_are_evaluated_and_mlflow_is_told(sweep: SweepPaths, capsys) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{sweep.mlflow}")
    experiment = client.get_experiment_by_name("groceries").experiment_id
    for opened in best_three(sweep):
        capsys.readouterr()
        assert run(["evaluate", "groceries", "--trial", opened.model.id, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert facts["images"] == opened.dataset.size("test")
        assert facts["untold"] == ""
        condition = f"tags.`sweeper.trial_key` = '{opened.model.id}'"
        (told,) = client.search_runs([experiment], condition)
        assert told.data.metrics["test/top5"] == pytest.approx(facts["top5"])
        assert told.data.metrics["test/sensitivity/rotation_180/top1"] == pytest.approx(
            facts["sensitivity"][1]["top1"]
        )
        files = client.list_artifacts(told.info.run_id, "evaluation/test")
        assert {Path(file.path).name for file in files} >= {"confusion.png", "confusion.csv", "classes.csv"}
    _, record = reopen(sweep)
    tested = [trial for trial in replay(record.events()).trials.values() if trial.test]
    record.close()
    assert len(tested) == 3


def test_the_top_three_name_photos_as_they_name_the_rows_of_the_store(
    sweep: SweepPaths, photos, capsys
) -> None:
    for opened in best_three(sweep):
        store = prepare(open_source(opened.spec.dataset), [opened.model.recipe.pixels], cache_root())[0]
        rows = range(0, len(store.rows), 40)
        files = [str(photos / store.rows[row].key) for row in rows]
        capsys.readouterr()
        assert run(["predict", "groceries", *files, "--trial", opened.model.id, "--json"]) == 0
        answers = json.loads(capsys.readouterr().out)["predictions"]
        expected = opened.model.probabilities(store.images[list(rows)])
        for answer, shares in zip(answers, expected, strict=True):
            found = [guess["probability"] for guess in answer["guesses"]]
            assert found == pytest.approx(shares.topk(5).values.tolist(), abs=1e-6)


def test_the_top_three_give_the_same_five_labels_in_onnxruntime_on_every_test_image(sweep, tmp_path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    for opened in best_three(sweep):
        path = tmp_path / f"{opened.model.number}.onnx"
        arguments = ["--trial", opened.model.id, "--format", "onnx", "--out", str(path)]
        assert run(["export", "groceries", *arguments]) == 0
        session = onnxruntime.InferenceSession(path)
        assert json.loads(session.get_modelmeta().custom_metadata_map["classes"])[2] == "candy"
        images = 0
        for pixels in opened.pixel_batches("test"):
            found = session.run(None, {"pixels": pixels.numpy()})[0]
            expected = opened.model.probabilities(pixels).numpy()
            assert all(same_five(*pair) for pair in zip(found, expected, strict=True))
            images += len(pixels)
        assert images == opened.dataset.size("test") > 50
