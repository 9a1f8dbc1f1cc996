"""This measures the energy that a worker's GPUs draw, from NVML by device UUID, where NVML is installed."""

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], float]


def load_nvml() -> Any | None:
    """Load NVML; None without nvidia-ml-py (`pip install 'sweeper[gpu]'`) or a driver."""
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return None
    return nvml


@dataclass(slots=True)
class _Gpu:
    """One device. `began_mj` counts since the driver was loaded; `power_w` and `drawn_j` serve old GPUs.

    `part` is what a MIG slice is of its GPU, which alone has a counter.
    """

    handle: Any
    uuid: str
    began_mj: float | None
    read_at: float
    power_w: float
    part: float = 1.0
    drawn_j: float = 0.0


class EnergyMeter:
    """Joules of whole GPUs since the meter was made, whatever share of them the trial holds.

    The counter of the device (Volta and later) is exact; without one, power is integrated between
    readings. A device that stops answering makes all of it unknown.
    """

    def __init__(self, nvml: Any, gpus: Sequence[str], clock: Clock = time.monotonic) -> None:
        self._nvml = nvml
        self._clock = clock
        self._gpus: list[_Gpu] | None = [self._opened(gpu) for gpu in gpus]

    @classmethod
    def of(
        cls, gpus: Sequence[str], nvml: Any | None = None, clock: Clock = time.monotonic
    ) -> "EnergyMeter | None":
        """Make a meter for GPUs as `CUDA_VISIBLE_DEVICES` names them; None where NVML knows none of them."""
        nvml = nvml or (load_nvml() if gpus else None)
        if nvml is None or not gpus:
            return None
        try:
            return cls(nvml, gpus, clock)
        except nvml.NVMLError:
            return None

    @property
    def uuids(self) -> tuple[str, ...]:
        """The devices, wherever they are plugged in."""
        return tuple(gpu.uuid for gpu in self._gpus or ())

    def joules(self) -> float | None:
        """Return what was drawn so far; None as soon as a device does not answer."""
        if self._gpus is None:
            return None
        try:
            return sum(gpu.part * self._drawn(gpu) for gpu in self._gpus)
        except self._nvml.NVMLError:
            self._gpus = None
            return None

    def _opened(self, gpu: str) -> _Gpu:
        nvml = self._nvml
        named, part = self._handle(gpu), 1.0
        handle = named
        if gpu.startswith("MIG-"):
            handle = nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(named)
            slices = nvml.nvmlDeviceGetAttributes(named).gpuInstanceSliceCount
            part = min(1.0, slices / max(1, nvml.nvmlDeviceGetMaxMigDeviceCount(handle)))
        began = self._counted(handle)
        power = 0.0 if began is not None else nvml.nvmlDeviceGetPowerUsage(handle) / 1000
        return _Gpu(handle, str(nvml.nvmlDeviceGetUUID(named)), began, self._clock(), power, part)

    def _handle(self, gpu: str) -> Any:
        """Find a device by its number, as NVML counts, or by its UUID, which CUDA lets people shorten."""
        nvml = self._nvml
        if gpu.isdigit():
            return nvml.nvmlDeviceGetHandleByIndex(int(gpu))
        if gpu.startswith("GPU-"):
            handles = map(nvml.nvmlDeviceGetHandleByIndex, range(nvml.nvmlDeviceGetCount()))
            meant = [each for each in handles if str(nvml.nvmlDeviceGetUUID(each)).startswith(gpu)]
            if len(meant) == 1:
                return meant[0]
        return nvml.nvmlDeviceGetHandleByUUID(gpu)

    def _counted(self, handle: Any) -> float | None:
        """Return the device's own counter in millijoules; None where it has none."""
        try:
            return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle))
        except self._nvml.NVMLError:
            return None

    def _drawn(self, gpu: _Gpu) -> float:
        if gpu.began_mj is not None:
            counted = self._nvml.nvmlDeviceGetTotalEnergyConsumption(gpu.handle)
            return max(0.0, counted - gpu.began_mj) / 1000
        now, power = self._clock(), self._nvml.nvmlDeviceGetPowerUsage(gpu.handle) / 1000
        gpu.drawn_j += max(0.0, now - gpu.read_at) * (gpu.power_w + power) / 2
        gpu.read_at, gpu.power_w = now, power
        return gpu.drawn_j
