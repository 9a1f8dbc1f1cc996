"""ONNX, for onnxruntime, TensorRT, mobile and browsers."""

import json
import logging
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sweeper.errors import MissingExtraError
from sweeper.export import Format, Predict, exporter
from sweeper.export.parts.servable import Servable

try:
    import onnxruntime
except ImportError:
    onnxruntime = None


@exporter("onnx")
def onnx() -> Format:
    """One `.onnx` file; input `pixels`, output `probabilities`, the card in the metadata `sweeper`.

    MissingExtraError where the packages that write and run it are absent.
    """
    absent = [name for name in ("onnx", "onnxscript", "onnxruntime") if find_spec(name) is None]
    if absent:
        raise _missing(", ".join(absent))
    return Format(".onnx", _write, _load)


def _missing(names: str) -> MissingExtraError:
    return MissingExtraError(f"the format onnx needs {names}", hint="pip install 'sweeper[onnx]'")


def _write(model: Servable, path: Path) -> None:
    for chatty in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    program = torch.onnx.export(
        model.pipeline,
        (model.example,),
        dynamo=True,
        verbose=False,
        dynamic_shapes=({0: "rows"},),
        input_names=["pixels"],
        output_names=["probabilities"],
    )
    if program is None:
        raise RuntimeError("torch.onnx.export gave no program")
    program.model.metadata_props["sweeper"] = json.dumps(model.card, ensure_ascii=False)
    program.model.metadata_props["classes"] = json.dumps(model.card["classes"], ensure_ascii=False)
    program.save(path, external_data=False)


def _load(path: Path) -> Predict:
    if onnxruntime is None:
        raise _missing("onnxruntime")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def predict(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(session.run(["probabilities"], {"pixels": pixels})[0])

    return predict
