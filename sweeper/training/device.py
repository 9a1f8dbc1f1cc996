"""What a device offers: threads, number formats, graphs, memory; and how to make do with little of it."""

import contextlib
import ctypes
import functools
import logging
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from sweeper.config.sections import TrainSpec

_WITH_BF16 = (8, 0)  # Ampere; Turing and Volta multiply fp16 alone in their tensor cores
_CONTEXT_BYTES = 2**29  # of a process: context, kernels, libraries
_M_ARENA_MAX, _M_MMAP_MAX, _M_TRIM_THRESHOLD = -8, -4, -1  # from malloc.h
_log = logging.getLogger(__name__)


def default_device() -> torch.device:
    """Return the GPU that this process may use, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """Return the GPU's own name, such as `NVIDIA H200`; empty for a CPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else ""


def prepare(device: torch.device, threads: int = 1) -> None:
    """Set up the process for a trial.

    On a CPU a trial gets as many threads as it holds whole cores (two trials of one thread are 1.2 times as
    fast as one of two threads), and memory is kept rather than given back after every step.
    """
    if device.type == "cpu":
        torch.set_num_threads(threads)
        keep_memory()
    else:
        torch.set_float32_matmul_precision("high")
        torch.backends.cudnn.benchmark = True


def limit_memory(share: float, cuda: Any = torch.cuda) -> None:
    """Let this process have its share of the GPU's memory, less what CUDA takes outside of torch's allocator.

    A trial that wants more runs out of memory by itself, and goes on in pieces; others do not notice.
    """
    if not cuda.is_available():
        return
    fraction = 1.0
    if 0 < share < 1:
        fraction = max(share / 2, share - _CONTEXT_BYTES / cuda.mem_get_info()[1])
    cuda.set_per_process_memory_fraction(fraction)


def has_mps(environment: Mapping[str, str]) -> bool:
    """Return whether NVIDIA's Multi-Process Service runs here: its daemon has a pipe in this folder."""
    folder = environment.get("CUDA_MPS_PIPE_DIRECTORY") or "/tmp/nvidia-mps"
    return (Path(folder) / "control").exists()


@functools.cache
def keep_memory() -> bool:
    """Tell glibc to reuse freed memory: without it, one training step costs 60,000 page faults.

    False where the C library has no such setting; training then works, more slowly.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_M_ARENA_MAX, 1), (_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1))
    return all(mallopt(name, value) for name, value in settings)


def training_dtype(train: TrainSpec, device: torch.device) -> torch.dtype:
    """Return the type of a training step: that of `compute_dtype`, but bf16 on CPUs that multiply it.

    Those (AVX512-BF16, AMX) train small networks 1.3 to 1.7 times as fast in bf16; others at 0.65.
    """
    if device.type == "cpu" and train.precision == "auto" and _multiplies_bf16():
        return torch.bfloat16
    return compute_dtype(train, device)


@functools.cache
def _multiplies_bf16() -> bool:
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


Capability = Callable[[torch.device], tuple[int, int]]


def compute_dtype(
    train: TrainSpec, device: torch.device, capability: Capability = torch.cuda.get_device_capability
) -> torch.dtype:
    """Return the type of validation and prediction: on a GPU bf16, or fp16 where it has no bf16.

    The file may differ. fp16 exists on GPUs only; a CPU takes fp32 in its place.
    """
    on_gpu = device.type == "cuda"
    match train.precision:
        case "fp32":
            return torch.float32
        case "bf16":
            return torch.bfloat16
        case "fp16":
            return torch.float16 if on_gpu else torch.float32
        case "auto":
            if not on_gpu:
                return torch.float32
            return torch.bfloat16 if capability(device) >= _WITH_BF16 else torch.float16


def autocast(device: torch.device, dtype: torch.dtype) -> contextlib.AbstractContextManager[object]:
    """Return a context that computes in `dtype`; it does nothing for fp32."""
    if dtype == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=dtype)


class Graph(Protocol):
    """Recorded work; `torch.cuda.CUDAGraph` is one."""

    def register_generator_state(self, generator: torch.Generator, /) -> None:
        """Let each replay go on with the generator's numbers in place of repeating those of the recording."""
        ...

    def replay(self) -> None:
        """Do the recorded work on the memory on which it was recorded."""
        ...

    def reset(self) -> None:
        """Forget the work and what it holds."""
        ...


class Graphs(Protocol):
    """Makes graphs, and says where work runs that must not be recorded yet."""

    def new(self) -> Graph:
        """An empty graph."""
        ...

    def recording(self, graph: Any) -> contextlib.AbstractContextManager[None]:
        """Record the block's work in place of doing it."""
        ...

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Do the block's work on another stream, between what was and what will be on this one."""
        ...

    def default_generators(self) -> Sequence[torch.Generator]:
        """The generators that every recording registers by itself."""
        ...


class CudaGraphs:
    """Those of one GPU."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def new(self) -> Graph:
        """Return an empty graph."""
        return torch.cuda.CUDAGraph()

    @contextlib.contextmanager
    def recording(self, graph: Any) -> Generator[None]:
        """Record the block; the stream of before is the current one again, also where recording failed."""
        before = torch.cuda.current_stream(self._device)
        try:
            with torch.cuda.graph(graph):
                yield
        finally:
            torch.cuda.set_stream(before)

    @contextlib.contextmanager
    def aside(self) -> Generator[None]:
        """Run the block on a side stream, as torch's documentation asks of the steps before recording."""
        stream, here = torch.cuda.Stream(self._device), torch.cuda.current_stream(self._device)
        stream.wait_stream(here)
        with torch.cuda.stream(stream):
            yield
        here.wait_stream(stream)

    def default_generators(self) -> Sequence[torch.Generator]:
        """Return the GPU's own."""
        with torch.cuda.device(self._device):
            return [torch.cuda.default_generators[torch.cuda.current_device()]]
