"""An MLflow model: a folder that `mlflow models serve` serves. Imports mlflow, which few files may."""

import logging
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # mlflow reads it while it is being imported

import mlflow.pyfunc
import mlflow.pytorch
import numpy as np
import torch
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types.schema import Schema, TensorSpec
from numpy.typing import NDArray

from sweeper.errors import StateError
from sweeper.export import Format, Predict, exporter
from sweeper.export.parts.servable import Servable


@exporter("mlflow")
def mlflow_model() -> Format:
    """A folder with signature, input example and pinned requirements; the card is the model's metadata."""
    return Format("", _write, _load)


def _write(model: Servable, path: Path) -> None:
    channels, height, width = model.shape
    inputs = TensorSpec(np.dtype(np.uint8), (-1, height, width, channels))
    outputs = TensorSpec(np.dtype(np.float32), (-1, len(model.card["classes"])))
    with _quietly():
        mlflow.pytorch.save_model(
            model.pipeline,
            str(path),
            signature=ModelSignature(Schema([inputs]), Schema([outputs])),
            input_example=model.example.numpy(),
            serialization_format="pt2",
            metadata=model.card,
            pip_requirements=_requirements(),
        )


def _requirements() -> list[str]:
    """List the requirements ourselves: MLflow takes a minute and asks the network to find them."""
    torch_version = torch.__version__.partition("+")[0]
    return [f"mlflow=={mlflow.__version__}", f"torch=={torch_version}", f"numpy=={np.__version__}"]


def _load(path: Path) -> Predict:
    with _quietly():
        try:
            loaded = mlflow.pyfunc.load_model(str(path))
        except MlflowException as error:
            raise StateError(f"MLflow cannot load it: {error}", where=str(path)) from error

    def predict(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(loaded.predict(pixels))

    return predict


@contextmanager
def _quietly() -> Generator[None]:
    """Silence MLflow's advice on type hints, requirements and pickles."""
    logger = logging.getLogger("mlflow")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
