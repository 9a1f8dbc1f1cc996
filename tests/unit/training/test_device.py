import pytest
import torch

from sweeper.config.sections import TrainSpec
from sweeper.training.device import compute_dtype, training_dtype

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
