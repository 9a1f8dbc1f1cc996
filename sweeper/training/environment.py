"""Environment variables for a worker; they count only when its process starts."""

from collections.abc import Mapping

CPU_WORKER: Mapping[str, str] = {
    # glibc keeps freed memory for the next step: 1.7 times as fast as its defaults, which give every large
    # block back and pay 60,000 page faults a step for it. `device.keep_memory` does the same later, but no
    # longer reaches a thread that has an arena of its own (Ray runs trainables in one: 1.25 times).
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    # one thread a trial, a trial a core: 1.2 times as fast as every trial on all cores
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

NVML_ORDER: Mapping[str, str] = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
"""GPUs are counted as NVML does, not by speed: on a mixed node GPU 0 would be another card to each."""
