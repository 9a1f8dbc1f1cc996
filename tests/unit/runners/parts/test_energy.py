from types import SimpleNamespace

import pytest

from sweeper.runners.parts.energy import EnergyMeter, load_nvml


class NvmlError(Exception):
    pass


class FakeNvml:
    """Four GPUs as NVML tells them; `counters` in joules, None for a card that has none."""

    NVMLError = NvmlError

    def __init__(self, counters=(0.0, 0.0, 0.0, 0.0), watts=100.0):
        self.counters, self.watts, self.is_gone = list(counters), watts, False

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802 (NVML's own names)
        self._alive()
        return index

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.counters)

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return uuid if uuid.startswith("MIG-") else int(uuid.removeprefix("GPU-"))

    def nvmlDeviceGetUUID(self, handle):  # noqa: N802
        return handle if isinstance(handle, str) else f"GPU-{handle}"

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle):  # noqa: N802
        return int(handle.removeprefix("MIG-")[0])  # MIG-2b lies on GPU 2

    def nvmlDeviceGetAttributes(self, handle):  # noqa: N802
        return SimpleNamespace(gpuInstanceSliceCount={"a": 3, "b": 4}[handle[-1]])

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):  # noqa: N802
        return 7

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        self._alive()
        if self.counters[handle] is None:
            raise NvmlError("not supported")
        return self.counters[handle] * 1000

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        self._alive()
        return self.watts * 1000

    def _alive(self):
        if self.is_gone:
            raise NvmlError("GPU is lost")


class Hand:
    now = 50.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(("gpus", "uuids"), [(["2"], ("GPU-2",)), (["GPU-3", "1"], ("GPU-3", "GPU-1"))])
def test_a_device_is_known_by_its_uuid_however_it_was_named(gpus, uuids):
    meter = EnergyMeter.of(gpus, FakeNvml())
    assert meter is not None
    assert meter.uuids == uuids


class LongNames(FakeNvml):
    def nvmlDeviceGetUUID(self, handle):  # noqa: N802
        return ("GPU-5f21", "GPU-5f9a", "GPU-77c0", "GPU-8b12")[handle]


def test_a_uuid_that_is_shortened_as_cuda_allows_is_the_card_that_it_begins():
    nvml = LongNames()
    meter = EnergyMeter.of(["GPU-5f9", "GPU-8"], nvml)
    assert meter is not None
    assert meter.uuids == ("GPU-5f9a", "GPU-8b12")
    nvml.counters = [1.0, 2.0, 4.0, 8.0]
    assert meter.joules() == 10.0


def test_a_card_with_a_counter_beside_one_without_are_added_up():
    nvml, hand = FakeNvml(counters=(5.0, None)), Hand()
    meter = EnergyMeter.of(["GPU-0", "GPU-1"], nvml, hand)
    assert meter is not None
    hand.now += 2.0
    nvml.counters[0] += 3.0
    assert meter.joules() == pytest.approx(3.0 + 200.0)


def test_a_mig_slice_draws_its_part_of_the_gpu_that_it_lies_on():
    nvml = FakeNvml()
    slices = {name: EnergyMeter.of([name], nvml) for name in ("MIG-2a", "MIG-2b")}
    nvml.counters[2] += 70.0
    nvml.counters[0] += 999.0
    drawn = {name: meter.joules() for name, meter in slices.items() if meter is not None}
    assert drawn == {"MIG-2a": pytest.approx(30.0), "MIG-2b": pytest.approx(40.0)}
    assert slices["MIG-2a"].uuids == ("MIG-2a",)


def test_the_counter_of_the_device_is_read_from_the_attempt_on():
    nvml = FakeNvml(counters=(1e9, 500.0, 0.0, 0.0))
    meter = EnergyMeter.of(["0", "1"], nvml)
    assert meter is not None
    assert meter.joules() == 0.0
    nvml.counters[0] += 30.0
    nvml.counters[1] += 12.5
    assert meter.joules() == 42.5


def test_a_counter_that_starts_anew_costs_nothing_and_gives_nothing_back():
    nvml = FakeNvml(counters=(900.0,))
    meter = EnergyMeter.of(["0"], nvml)
    assert meter is not None
    nvml.counters[0] = 3.0
    assert meter.joules() == 0.0


def test_where_there_is_no_counter_power_is_integrated():
    nvml, clock = FakeNvml(counters=(None,), watts=100.0), Hand()
    meter = EnergyMeter.of(["0"], nvml, clock)
    assert meter is not None
    clock.now += 10
    assert meter.joules() == pytest.approx(1000.0)
    nvml.watts = 300.0
    clock.now += 10
    assert meter.joules() == pytest.approx(3000.0), "half a trapezoid more"
    clock.now -= 100
    assert meter.joules() == pytest.approx(3000.0)


def test_a_device_that_falls_silent_makes_the_energy_unknown_and_never_zero():
    nvml = FakeNvml()
    meter = EnergyMeter.of(["0"], nvml)
    assert meter is not None
    nvml.is_gone = True
    assert meter.joules() is None
    nvml.is_gone = False
    assert meter.joules() is None, "what was missed is missing"


def test_without_a_gpu_or_with_one_that_nvml_refuses_there_is_no_meter():
    lost = FakeNvml()
    lost.is_gone = True
    assert EnergyMeter.of(["0"], lost) is None
    assert EnergyMeter.of([], FakeNvml()) is None
    assert EnergyMeter.of([]) is None


def test_nvml_is_optional():
    """On a machine without a driver; where there is one, it can be asked."""
    nvml = load_nvml()
    assert nvml is None or nvml.nvmlDeviceGetCount() >= 0
