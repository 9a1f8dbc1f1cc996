import argparse
import json
import struct
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models

from sweeper.errors import MissingExtraError, PreflightError, SpecError, SweeperError
from sweeper.models import model
from sweeper.models.parts.backbone import least_pixels, stages
from sweeper.models.parts.count import count
from sweeper.models.parts.initial_weights import initialize
from sweeper.models.parts.random_layers import Dropout, DropPath


def transfer(
    backbone="squeezenet1_1", pixels=48, channels=3, classes=5, device="meta", **options
) -> nn.Module:
    options = model.check("pretrained", {"weights": "none", "backbone": backbone, **options})
    with torch.device(device):
        return model["pretrained"]((channels, pixels, pixels), classes, **options)


def write_safetensors(path: Path, tensors: dict[str, torch.Tensor]) -> None:
    header, content = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        raw = tensor.numpy().tobytes()
        dtype = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        offsets = [len(content), len(content) + len(raw)]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        content += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content)


@pytest.mark.slow(reason="networks of the papers, at their size")
@pytest.mark.parametrize(
    ("backbone", "pixels", "parameters", "stage_count"),
    [
        ("vgg16", 48, 14_714_688, 5),
        ("vgg19", 48, 20_024_384, 5),
        ("resnet18", 48, 11_186_112, 5),
        ("resnet34", 48, 21_301_696, 5),
        ("resnet50", 48, 23_561_152, 5),
        ("inception_v3", 96, 21_820_000, 16),
        ("mobilenet_v3_small", 48, 939_120, 13),
        ("efficientnet_b0", 48, 4_049_564, 9),
        ("convnext_tiny", 48, 27_820_128, 9),
        ("densenet121", 48, 7_037_504, 8),
        ("regnet_y_400mf", 48, 3_930_296, 5),
        ("squeezenet1_1", 48, 722_496, 9),
        ("vit_b_16", 224, 85_798_656, 13),
    ],
)
def test_backbones_lose_their_head_and_keep_the_rest(backbone, pixels, parameters, stage_count):
    module = transfer(backbone, pixels)
    assert count(module.base) == parameters
    assert len(stages(module.base)) == stage_count
    assert module.train()(torch.empty(2, 3, pixels, pixels, device="meta")).shape == (2, 5)


def test_the_food_studys_vgg16_with_its_head():
    module = transfer("vgg16", 48, classes=256, dense=[1024, 256])
    assert count(module.base) == 14_714_688
    assert count(module.head) == 512 * 1024 + 1024 + 1024 * 256 + 256 + 256 * 256 + 256


@pytest.mark.parametrize(("freeze", "learning"), [("all", 0), ("none", 26), (0, 26), (1, 22), (4, 6), (5, 0)])
def test_freezing_counts_stages_from_the_image_on(freeze, learning):
    module = transfer("vgg16", freeze=freeze)
    assert sum(p.requires_grad for p in module.base.parameters()) == learning
    assert all(p.requires_grad for p in module.head.parameters())


def test_more_stages_than_there_are_is_refused_with_their_number():
    with pytest.raises(SpecError, match="vgg16 has 5 stages, found 6"):
        transfer("vgg16", freeze=6)


def test_frozen_batchnorms_keep_their_statistics_in_training():
    module = transfer("resnet18", device="cpu", freeze=2)
    before = {name: b.clone() for name, b in module.base.named_buffers()}
    module.train()(torch.empty(2, 3, 48, 48).normal_(generator=torch.Generator().manual_seed(1)))
    changed = {n for n, b in module.base.named_buffers() if not torch.equal(b, before[n])}
    assert not any(name.startswith(("bn1", "layer1")) for name in changed)
    assert any(name.startswith("layer2") for name in changed)


def test_foreign_dropout_and_stochastic_depth_draw_from_our_generator():
    module = transfer("convnext_tiny")
    kinds = {type(part) for part in module.base.modules()}
    assert DropPath in kinds
    assert not kinds & {nn.Dropout, models.convnext.StochasticDepth}
    assert Dropout in {type(part) for part in transfer("efficientnet_b0", dropout=0.2).modules()}


def test_grey_images_count_as_three_equal_channels():
    module = transfer(channels=1, device="cpu").eval()
    x = torch.empty(2, 1, 48, 48).uniform_(generator=torch.Generator().manual_seed(1))
    assert torch.equal(module(x), module(x.repeat(1, 3, 1, 1)))


def test_images_between_0_and_1_get_imagenets_scale_and_normalised_ones_do_not():
    unit, plain = (transfer(device="cpu", inputs=inputs).eval() for inputs in ("unit", "normalized"))
    plain.load_state_dict(unit.state_dict())
    x = torch.empty(2, 3, 48, 48).uniform_(generator=torch.Generator().manual_seed(1))
    mean, deviation = (
        torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    )
    assert torch.allclose(unit(x), plain((x - mean) / deviation))


@pytest.fixture(scope="module")
def donor() -> dict[str, torch.Tensor]:
    return models.squeezenet1_1(weights=None).state_dict()


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_from_a_file_stay_when_the_head_is_drawn(tmp_path: Path, donor, suffix):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pt":
        torch.save({"state_dict": donor}, path)
    else:
        write_safetensors(path, donor)
    module = transfer(weights=str(path), device="cpu")
    initialize(module, torch.Generator().manual_seed(1))
    assert torch.equal(module.base.state_dict()["features.0.weight"], donor["features.0.weight"])
    assert module.head.logits.bias.abs().sum() == 0


def test_from_scratch_the_seed_decides_the_backbone_too():
    modules = [transfer(device="cpu"), transfer(device="cpu")]
    for module in modules:
        initialize(module, torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(*(m.parameters() for m in modules), strict=True))


def test_loose_parameters_are_drawn_and_constant_ones_stay():
    module = nn.Module()
    module.token = nn.Parameter(torch.arange(6.0))
    module.scale = nn.Parameter(torch.full((6,), 1e-6))
    initialize(module, torch.Generator().manual_seed(1))
    expected = torch.empty(6).normal_(0.0, 0.02, generator=torch.Generator().manual_seed(1))
    assert torch.equal(module.token.data, expected)
    assert module.scale.tolist() == pytest.approx([1e-6] * 6)


@pytest.mark.parametrize("weights", ["none", "file"])
def test_batchnorms_count_their_batches_from_zero(tmp_path: Path, weights):
    if weights == "file":
        state = models.resnet18(weights=None).state_dict()
        weights = str(tmp_path / "w.pt")
        torch.save({k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}, weights)
    module = transfer("resnet18", weights=weights, device="cpu")
    initialize(module, torch.Generator().manual_seed(1))
    assert {int(b) for n, b in module.named_buffers() if n.endswith("num_batches_tracked")} == {0}


def renamed(state, prefix):
    return {prefix + name: tensor for name, tensor in state.items()}


def other(state):
    return {name: tensor + 1 for name, tensor in state.items()}


WRAPPED = {
    "module.": (lambda state: renamed(state, "module."), "what is named 'module....'"),
    "compiled": (lambda state: renamed(state, "_orig_mod."), "what is named '_orig_mod....'"),
    "nested": (lambda state: renamed(state, "module._orig_mod.model."), "'module._orig_mod.model....'"),
    "a compiled part": (
        lambda state: {name.replace("features.0.", "features.0._orig_mod."): t for name, t in state.items()},
        "",
    ),
    "lightning": (
        lambda state: {
            "epoch": 3,
            "state_dict": {**renamed(state, "model."), "criterion.weight": torch.ones(5)},
            "optimizer_states": [{"state": {0: {"momentum_buffer": torch.ones(3)}}}],
        },
        "the entry 'state_dict' and there what is named 'model....'",
    ),
    "model": (lambda state: {"model": state, "epoch": 3}, "the entry 'model'"),
    "torchvision": (
        lambda state: {
            "model": other(state),
            "model_ema": {"n_averaged": torch.tensor(3), **renamed(state, "module.")},
            "args": argparse.Namespace(lr=0.1),
        },
        "the entry 'model_ema' and there what is named 'module....' (an average of the weights), "
        "not the entry 'model'",
    ),
    "timm": (
        lambda state: {"state_dict": other(state), "state_dict_ema": state},
        "the entry 'state_dict_ema' (an average of the weights), not the entry 'state_dict'",
    ),
    "one flat dict": (
        lambda state: {**renamed(other(state), "model."), **renamed(state, "model_ema.module.")},
        "what is named 'model_ema.module....' (an average",
    ),
}


@pytest.mark.parametrize("form", WRAPPED)
def test_weights_are_found_in_what_wrappers_and_trainers_write(tmp_path: Path, donor, form):
    wrap, said = WRAPPED[form]
    path = tmp_path / "weights.pt"
    torch.save(wrap(donor), path)
    module = transfer(weights=str(path), device="cpu")
    assert torch.equal(module.base.state_dict()["features.0.weight"], donor["features.0.weight"])
    assert [said in note for note in module.notes] == [True] * bool(said)


def test_two_networks_in_one_file_are_refused_with_their_places(tmp_path: Path, donor):
    path = tmp_path / "weights.pt"
    torch.save({"student": donor, "teacher": renamed(donor, "module.")}, path)
    with pytest.raises(SpecError) as caught:
        transfer(weights=str(path))
    places = "the entry 'student', or the entry 'teacher' and there what is named 'module....'"
    assert f"weights.pt: holds 2 networks that fit: {places}; write the one" in str(caught.value)


@pytest.mark.slow(reason="networks of the papers, at their size")
def test_a_vision_transformer_is_built_for_the_images_and_takes_positions_of_another_size(tmp_path: Path):
    path = tmp_path / "vit.pt"
    donor = models.vit_b_32(weights=None, image_size=64).state_dict()
    positions = torch.arange(4.0)[:, None].expand(4, 768)  # top left, top right, bottom left, bottom right
    donor["encoder.pos_embedding"] = torch.cat([torch.full((1, 768), 9.0), positions])[None]
    torch.save(donor, path)
    module = transfer("vit_b_32", pixels=96, weights=str(path), device="cpu")
    taken = module.base.state_dict()["encoder.pos_embedding"][0, :, 0]
    assert taken.shape == (1 + 9,)
    assert taken[[0, 1, 3, 7, 9]].tolist() == [9, 0, 1, 2, 3]  # the class token and the corners stay
    assert taken[5] == pytest.approx(1.5)
    assert module.notes == (f"{path}: positions interpolated from 64 px to 96 px",)
    assert module.eval()(torch.zeros(1, 3, 96, 96)).shape == (1, 5)


@pytest.mark.slow(reason="networks of the papers, at their size")
def test_positions_of_the_same_size_stay_as_they_are(tmp_path: Path):
    donor = models.vit_b_32(weights=None, image_size=64).state_dict()
    torch.save(donor, tmp_path / "vit.pt")
    module = transfer("vit_b_32", pixels=64, weights=str(tmp_path / "vit.pt"), device="cpu")
    assert torch.equal(module.base.state_dict()["encoder.pos_embedding"], donor["encoder.pos_embedding"])
    assert module.notes == ()


@pytest.mark.parametrize(
    ("backbone", "least"), [("alexnet", 63), ("vgg11", 32), ("squeezenet1_1", 17), ("resnet18", 1)]
)
def test_the_smallest_image_that_a_backbone_takes_is_found_by_trying(backbone, least):
    assert least_pixels(backbone) == least
    assert transfer(backbone, least).eval()(torch.empty(1, 3, least, least, device="meta")).shape == (1, 5)
    if least > 1:
        with pytest.raises(
            SpecError, match=f"{backbone} takes images of at least {least} px, found {least - 1}"
        ):
            transfer(backbone, least - 1)


FAMILIES = (
    "convnext_tiny", "densenet121", "efficientnet_b0", "googlenet", "inception_v3", "mnasnet0_5",
    "mobilenet_v2", "mobilenet_v3_small", "regnet_x_400mf", "regnet_y_400mf", "resnext50_32x4d",
    "shufflenet_v2_x0_5", "squeezenet1_0", "swin_t", "swin_v2_t", "vgg16_bn", "wide_resnet50_2",
)  # fmt: skip


@pytest.mark.slow(reason="builds a network of every family that torchvision offers")
@pytest.mark.parametrize("backbone", FAMILIES)
def test_every_family_says_the_smallest_image_that_it_takes(backbone):
    least = least_pixels(backbone)
    for pixels in (least, least + 1, least + 2):
        transfer(backbone, pixels)
    if least > 1:
        with pytest.raises(SpecError, match=f"at least {least} px"):
            transfer(backbone, least - 1)


def broken(donor, how):
    weights = dict(donor)
    if how == "missing":
        del weights["features.0.weight"]
    elif how == "surprise":
        weights["extra.weight"] = torch.zeros(1)
    else:
        weights["features.0.weight"] = torch.zeros(1, 2)
    return weights


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("missing", "misses features.0.weight"),
        ("surprise", "does not know extra.weight"),
        ("shape", "features.0.weight has the shape (1, 2), expected (64, 3, 3, 3)"),
    ],
)
@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_weights_of_another_network_are_refused_at_planning_too(tmp_path: Path, donor, how, message, device):
    path = tmp_path / "weights.pt"
    torch.save(broken(donor, how), path)
    with pytest.raises(SpecError) as caught:
        transfer(weights=str(path), device=device)
    assert message in str(caught.value)
    assert "weights.pt" in str(caught.value)


def test_code_in_a_weights_file_is_never_run(tmp_path: Path):
    torch.save(Path("/etc"), tmp_path / "weights.pt")
    with pytest.raises(SpecError, match="tensors alone"):
        transfer(weights=str(tmp_path / "weights.pt"))


@pytest.mark.parametrize("content", [b"", b"12345678", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 64])
def test_a_file_that_is_no_safetensors_is_one_clear_line(tmp_path: Path, content):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(SweeperError) as caught:
        transfer(weights=str(tmp_path / "w.safetensors"))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(PreflightError, match=r"there is no file .*gone\.pt"):
        transfer(weights=str(tmp_path / "gone.pt"))


@pytest.mark.parametrize(
    ("backbone", "message"),
    [("vgg61", "did you mean 'vgg1"), ("deeplabv3", "torchvision has no 'deeplabv3'")],
)
def test_an_unknown_backbone_gets_the_nearest_name(backbone, message):
    with pytest.raises(SpecError, match=message):
        transfer(backbone)


def test_timm_without_the_package_says_how_to_get_it():
    with pytest.raises((MissingExtraError, SpecError), match="timm"):
        transfer("timm/no_such_network")


def test_absent_imagenet_weights_name_the_file_to_place(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens: the same on every machine
    with pytest.raises(PreflightError) as caught:
        transfer("vgg16", weights="imagenet")
    assert str(tmp_path / "hub" / "checkpoints" / "vgg16-") in str(caught.value)
    assert "https://download.pytorch.org/models/vgg16-" in str(caught.value)
