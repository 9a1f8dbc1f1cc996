import pytest
import torch
from torch.utils.flop_counter import TorchDispatchMode

from sweeper.config.resources import ResourcesSpec
from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.data.dataset import open_dataset
from sweeper.store.paths import cache_root
from sweeper.training.device import compute_dtype, prepare, training_dtype
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


@pytest.mark.parametrize(
    ("capability", "dtype"),
    [((7, 0), torch.float16), ((7, 5), torch.float16), ((8, 0), torch.bfloat16), ((9, 0), torch.bfloat16)],
)
def test_a_gpu_computes_in_fp16_where_it_has_no_bf16(capability, dtype):
    assert compute_dtype(TrainSpec(), torch.device("cuda"), lambda device: capability) is dtype


class Precisions(TorchDispatchMode):
    """How each product is computed on a GPU, and what is set around them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, str]] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func._schema.name in ("aten::mm", "aten::addmm", "aten::addmm_", "aten::convolution"):
            self.seen.add(precisions())
        return func(*args, **(kwargs or {}))


def precisions() -> tuple[str, str]:
    return torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision


@pytest.mark.parametrize("name", ["zca", "zca_patch"])
def test_whitening_is_fitted_and_applied_in_full_precision_on_a_gpu_that_trains_in_tf32(name, tmp_path):
    spec = DatasetSpec.model_validate({"source": "synthetic", "classes": 2, "per_class": 20, "size": 8})
    before = torch.get_float32_matmul_precision()
    try:
        prepare(torch.device("cuda"))
        assert precisions() == ("tf32", "tf32")
        with Precisions() as fitting:
            data = open_dataset(spec, pixels=8, normalization=name, cache=tmp_path)
        with Precisions() as applying:
            next(data.batches("valid", batch_size=4))
        assert precisions() == ("tf32", "tf32")
    finally:
        torch.set_float32_matmul_precision(before)
    assert (fitting.seen, applying.seen) == ({("ieee", "ieee")}, {("ieee", "ieee")})


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
