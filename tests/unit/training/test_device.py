import pytest
import torch

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.store.paths import cache_root
from sweeper.training.device import compute_dtype, training_dtype
from sweeper.training.trial_workload import Training
from sweeper.trial import Trial

CPU = torch.device("cpu")


def multiplies_bf16() -> bool:
    told = torch.cpu.get_capabilities()
    return bool(told.get("avx512_bf16") or told.get("amx_bf16"))


def test_a_cpu_trains_in_bf16_where_it_multiplies_bf16():
    expected = torch.bfloat16 if multiplies_bf16() else torch.float32
    assert training_dtype(TrainSpec(), CPU) is expected


def test_a_cpu_validates_in_full_precision_unless_the_file_says_otherwise():
    assert compute_dtype(TrainSpec(), CPU) is torch.float32
    assert compute_dtype(TrainSpec(precision="bf16"), CPU) is torch.bfloat16


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float32)]
)
def test_a_named_number_format_is_what_a_cpu_trains_in(precision, dtype):
    assert training_dtype(TrainSpec(precision=precision), CPU) is dtype


@pytest.mark.slow(reason="trains two epochs of digits")
def test_a_trial_trains_with_as_many_threads_as_it_holds_whole_cores(tmp_path):
    """It held two cores and trained with one thread."""
    before = torch.get_num_threads()
    try:
        for cores, threads in ((2.0, 2), (0.5, 1)):
            training = Training(
                DatasetSpec(source="digits"),
                TrainSpec(epochs=1),
                "valid/top1",
                cache_root(),
                tmp_path,
                ResourcesSpec(cpu=cores),
            )
            config = {"pixels": 8, "layers": 1, "filters": [4]}
            next(iter(training(Trial(f"t{cores}", 0, config, 0))))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
