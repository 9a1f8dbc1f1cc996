"""An estimate before anything has run: operations over speed, plus what each launch costs."""

from typing import Annotated

from pydantic import Field

from sweeper.cost import Estimate, Workload, estimator

_BACKWARD = 3  # a training step is one forward pass and a backward pass of two
_FACTOR = 3.0  # measured trials lie within a third and three times of the estimate
_CPU_GFLOPS, _CPU_LAUNCH = 40.0, 25e-6  # one Skylake core: 47-64 GFLOP/s in convolutions; an operator's call
_GPU_GFLOPS, _GPU_LAUNCH = 9_000.0, 8e-6  # small networks are bound by memory: an H200 gives 18 FLOP a byte
_KERNELS_A_LAYER = 6  # forward, two gradients, and the optimizer's share


@estimator("flops")
def flops(
    workload: Workload,
    *,
    gflops: Annotated[float, Field(gt=0)] | None = None,
    launch_seconds: Annotated[float, Field(ge=0)] | None = None,
) -> Estimate:
    """Needs no device, and is wrong by up to a factor of three; `gflops` of the device make it better."""
    speed = 1e9 * (gflops or (_GPU_GFLOPS if workload.is_gpu else _CPU_GFLOPS))
    launch = launch_seconds if launch_seconds is not None else _GPU_LAUNCH if workload.is_gpu else _CPU_LAUNCH
    arithmetic = workload.flops * (_BACKWARD * workload.train_images + workload.valid_images) / speed
    steps = (workload.train_images + workload.valid_images / 4) / workload.batch_size
    launches = steps * workload.layers * _KERNELS_A_LAYER * launch
    seconds = workload.epochs * (arithmetic + launches)
    return Estimate(seconds, seconds / _FACTOR, seconds * _FACTOR, "flops")
