"""Reads weights from a file: found before the sweep starts, checked by name and shape, never run as code."""

import argparse
import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from sweeper.errors import SpecError

_SAFETENSORS_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_weights(path: Path) -> object:
    """Map what a safetensors file or a checkpoint of torch holds, so that unread tensors cost nothing.

    Beside tensors and plain types a checkpoint may hold the arguments of the script that trained, as those
    of torchvision do: a namespace runs no code.
    """
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError) as error:
        raise SpecError(
            f"no state dict of tensors alone: {_line(error)}",
            where=str(path),
            hint="write it with torch.save(network.state_dict(), FILE)",
        ) from error


def read_safetensors(path: Path) -> Mapping[str, Tensor]:
    """Read the format, which is a length, a JSON header, and the bytes."""
    size = path.stat().st_size
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(size - 8, 100_000_000):
                raise ValueError("the header's length is not that of a safetensors file")  # noqa: TRY301
            header = json.loads(file.read(length))
        content = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)
        header.pop("__metadata__", None)
        return {name: _tensor(content[8 + length :], entry) for name, entry in header.items()}
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise SpecError(f"no safetensors file: {_line(error)}", where=str(path)) from error


def _tensor(content: Tensor, entry: Mapping[str, object]) -> Tensor:
    begin, end = entry["data_offsets"]  # pyright: ignore[reportGeneralTypeIssues]
    if not 0 <= begin <= end <= len(content):
        raise ValueError("a tensor lies outside the file")
    dtype = _SAFETENSORS_TYPES[str(entry["dtype"])]
    # a copy, because a tensor of another type must begin at a multiple of its size
    return content[begin:end].clone().view(dtype).reshape(entry["shape"])  # pyright: ignore[reportArgumentType, reportCallIssue]


def wanted_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return what a file must hold: BatchNorm's counters may be absent."""
    return {name: t for name, t in module.state_dict().items() if not name.endswith("num_batches_tracked")}


def load_checked(module: nn.Module, weights: Mapping[str, Tensor], *, known: set[str], where: str) -> None:
    """Fill `module`; `weights` must hold each of its tensors in its shape, and none that is not in `known`.

    `known` are the names of the whole network, of which the head is not used. On the meta device
    only the check is done.
    """
    wanted = wanted_tensors(module)
    for problem, names in (
        ("misses", [name for name in wanted if name not in weights]),
        ("does not know", [name for name in weights if name not in known]),
    ):
        if names:
            raise SpecError(
                f"the file {problem} {names[0]}" + (f" and {len(names) - 1} more" if len(names) > 1 else ""),
                where=where,
                hint="are these the weights of another network?",
            )
    for name, tensor in wanted.items():
        if weights[name].shape != tensor.shape:
            shape, expected = tuple(weights[name].shape), tuple(tensor.shape)
            raise SpecError(f"{name} has the shape {shape}, expected {expected}", where=where)
    if not any(tensor.is_meta for tensor in wanted.values()):
        module.load_state_dict({name: weights[name] for name in wanted}, strict=False)


def _line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
