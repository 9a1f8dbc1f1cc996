"""An exported MLflow model behind MLflow's own server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from sweeper.config.sections import TrainSpec
from sweeper.data.normalize import normalization
from sweeper.export import exporter
from sweeper.export.parts.servable import servable
from sweeper.inference.trained_network import TrainedModel
from sweeper.training.network import build_initialized
from sweeper.training.recipe import compose

pytestmark = pytest.mark.integration
SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    recipe = compose({"layers": 2, "filters": 8, "pixels": 8, "normalization": "scale"}, TrainSpec())
    module = build_initialized(recipe, shape=SHAPE, classes=3, seed=1).eval()
    transform = normalization["scale"]().transform({})
    cpu = torch.device("cpu")
    return TrainedModel(
        "toy", 0, "0" * 16, 1, recipe, SHAPE, ("a", "b", "c"), module, {}, transform, cpu, torch.float32
    )


@pytest.fixture(scope="module")
def address(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("serve")
    exporter["mlflow"]().write(servable(model, {}), folder / "model")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    where = ["-m", str(folder / "model"), "--env-manager", "local", "-h", "127.0.0.1", "-p", str(port)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "models", "serve", *where],
        env={**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path},
        stdout=(folder / "log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait(server, f"http://127.0.0.1:{port}/ping", folder / "log")
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(300)


def _wait(server: subprocess.Popen[bytes], ping: str, log: Path) -> None:
    for _ in range(3000):
        assert server.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(ping, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(log.read_text())


def ask(address: str, document: object) -> object:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(document).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


def test_the_server_answers_images_as_the_network_does(address: str, model: TrainedModel) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    found = ask(address, {"inputs": pixels.tolist()})["predictions"]
    np.testing.assert_allclose(found, model.probabilities(torch.from_numpy(pixels)).numpy(), atol=1e-6)


def test_the_server_refuses_images_of_another_size(address: str) -> None:
    with pytest.raises(urllib.request.HTTPError) as refused:
        ask(address, {"inputs": np.zeros((1, 9, 9, 1), int).tolist()})
    assert refused.value.code == 400
