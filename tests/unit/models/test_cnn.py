import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sweeper.errors import SpecError
from sweeper.models import model
from sweeper.models.parts.blocks import SameConv2d, activated_pool, convolution, convolved
from sweeper.models.parts.count import count, flops, layer_table, moving_statistics
from sweeper.models.parts.initial_weights import initialize
from sweeper.models.parts.random_layers import Dropout, DropPath, MixedPool2d, share_generator
from sweeper.models.parts.residual import SqueezeExcitation
from sweeper.models.parts.whitening import PatchWhitening

GENERATOR = torch.Generator().manual_seed(1)
FOOD = {"kernel": 2, "batch_norm": False}


def cnn(shape=(3, 16, 16), classes=10, **options) -> nn.Module:
    return model["cnn"](shape, classes, **model.check("cnn", options))


def noise(*shape: int) -> torch.Tensor:
    return torch.empty(*shape).normal_(generator=GENERATOR)


@pytest.mark.parametrize(
    ("pixels", "filters", "parameters"),
    [
        (64, [16], 4_560),
        (64, [16, 32, 64], 27_184),
        (128, [16, 32, 64], 27_184),
        (128, [16, 32, 64, 128], 76_464),
        (128, [32, 64, 64, 128], 91_040),
        (128, [64] * 4, 66_816),
        (128, [128] * 4, 231_680),
        (128, [128] * 5, 297_344),
    ],
)
def test_the_food_study_networks_have_the_printed_parameters(pixels, filters, parameters):
    with torch.device("meta"):
        module = cnn((3, pixels, pixels), 256, layers=len(filters), filters=filters, **FOOD)
    assert count(module) == parameters


@pytest.mark.parametrize(
    "options",
    [
        {"layers": 1},
        {"layers": 4, "filters": 4, "growth": "double"},
        {"convs_per_block": 3, "filters": 4},
        {"kernel": 2, "stride": 2, "layers": 2},
        {"kernel": 5, "padding": "valid", "layers": 1},
        {"pooling": "avg", "activation": "gelu"},
        {"pooling": "mixed", "batch_norm": False},
        {"head": "flatten", "dense": [12, 8], "head_dropout": 0.5},
        {"dropout": 0.3, "head_dropout": 0.3},
        {"pool_first": True, "convs_per_block": 2, "head": "gmp", "logit_scale": 0.2},
        {"pool_first": True, "pooling": "mixed", "padding": "valid", "layers": 2, "head": "flatten"},
        {"residual": True, "convs_per_block": 3, "squeeze_excitation": True, "dropout": 0.1},
        {"residual": True, "convs_per_block": 2, "pool_first": True, "activation": "silu"},
        {"initial": "dirac", "kernel": 2, "filters": 2, "flip_average": True},
    ],
)
def test_every_knob_gives_logits_and_gradients(options):
    module = cnn(**options)
    initialize(module, torch.Generator().manual_seed(0))
    logits = module(noise(4, 3, 16, 16))
    assert logits.shape == (4, 10)
    F.cross_entropy(logits, torch.arange(4)).backward()
    learning = [p for p in module.parameters() if p.requires_grad]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learning)


def test_growth_doubles_the_filters():
    with torch.device("meta"):
        rows = layer_table(cnn(layers=3, filters=8, growth="double"), (3, 16, 16))
    assert [row.output[0] for row in rows if row.name.endswith("conv1")] == [8, 16, 32]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("pixels", [7, 8])
def test_same_padding_gives_ceil_of_n_over_stride(kernel, stride, pixels):
    out = convolution(2, 3, kernel, stride=stride)(noise(1, 2, pixels, pixels))
    assert out.shape[-1] == -(-pixels // stride) == convolved(pixels, kernel, stride, "same")


def test_an_even_kernel_pads_at_the_right_and_the_bottom_as_keras_does():
    conv = SameConv2d(1, 1, 2, bias=False)
    nn.init.ones_(conv.weight)
    assert conv(torch.ones(1, 1, 2, 2)).flatten().tolist() == [4.0, 2.0, 2.0, 1.0]


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "elu", "tanh", "sigmoid"])
def test_pooling_first_changes_no_bit_of_outputs_or_gradients(activation):
    (first, pool), (second, act) = activated_pool(activation, "max")
    assert (first, second) == ("pool", "activation")
    x = noise(2, 3, 8, 8).requires_grad_()
    results = [act(pool(x)), pool(act(x))]
    assert torch.equal(*results)
    gradients = [torch.autograd.grad(result.sum(), x)[0] for result in results]
    if activation == "relu":
        live = results[0].amax() > 0
        assert live
    assert torch.allclose(*gradients)


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_a_function_that_falls_somewhere_is_never_pooled_first(activation):
    assert [name for name, _ in activated_pool(activation, "max")] == ["activation", "pool"]


def test_initial_weights_depend_on_the_generator_alone():
    one, two, other = cnn(), cnn(), cnn()
    initialize(one, torch.Generator().manual_seed(1))
    initialize(two, torch.Generator().manual_seed(1))
    initialize(other, torch.Generator().manual_seed(2))
    pairs = list(zip(one.parameters(), two.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(next(one.parameters()), next(other.parameters()))


def test_the_memory_layout_does_not_change_the_weights():
    plain, last = cnn(), cnn().to(memory_format=torch.channels_last)
    for module in (plain, last):
        initialize(module, torch.Generator().manual_seed(1))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), last.parameters(), strict=True))


def test_dropout_draws_from_its_generator_and_keeps_the_mean():
    layer = Dropout(0.25)
    share_generator(layer, torch.Generator().manual_seed(9))
    x = torch.ones(200, 200)
    first = layer(x)
    share_generator(layer, torch.Generator().manual_seed(9))
    assert torch.equal(first, layer(x))
    assert first.mean().item() == pytest.approx(1.0, abs=0.02)
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9, 1.0])
def test_coins_fall_as_often_as_asked_and_the_same_for_one_seed(dtype, layout, probability):
    like = torch.empty(8, 3, 31, 31, dtype=dtype).to(memory_format=layout)
    layer = Dropout(0.5)
    drawn = []
    for _ in range(2):
        layer.generator = torch.Generator().manual_seed(3)
        drawn.append(layer.draw(like, probability))
    assert torch.equal(*drawn)
    assert drawn[0].stride() == like.stride()
    assert set(drawn[0].unique().tolist()) <= {0.0, 1.0}
    assert drawn[0].float().mean().item() == pytest.approx(probability, abs=0.01)
    assert drawn[0][0].float().mean().item() == pytest.approx(probability, abs=0.05)


def test_drop_path_leaves_out_whole_images_and_keeps_the_mean():
    layer = DropPath(0.5)
    share_generator(layer, torch.Generator().manual_seed(9))
    rows = layer(torch.ones(2000, 3, 2, 2)).flatten(1)
    assert {tuple(row.tolist()) for row in rows.unique(dim=0)} == {(0.0,) * 12, (2.0,) * 12}
    assert rows.mean().item() == pytest.approx(1.0, abs=0.1)
    assert torch.equal(layer.eval()(rows), rows)


def test_mixed_pooling_takes_max_or_mean_and_half_of_each_outside_training():
    layer, x = MixedPool2d(2, 2), noise(1, 1, 4, 4)
    share_generator(layer, torch.Generator().manual_seed(1))
    largest, mean = F.max_pool2d(x, 2), F.avg_pool2d(x, 2)
    seen = [layer(x) for _ in range(20)]
    assert all(torch.equal(y, largest) or torch.equal(y, mean) for y in seen)
    assert len({tuple(y.flatten().tolist()) for y in seen}) == 2
    assert torch.allclose(layer.eval()(x), (largest + mean) / 2)


def test_moving_statistics_are_counted_as_keras_counts_them():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    assert count(module) == 3 * 8 * 9 + 8 + 4 * 8
    assert moving_statistics(module) == 16


def test_the_layer_table_computes_nothing_and_leaves_the_module_alone():
    module = cnn(layers=2, filters=8).train()
    rows = layer_table(module, (3, 16, 16))
    assert module.training
    assert sum(row.parameters for row in rows) == count(module)
    assert rows[0].flops == 2 * 8 * 16 * 16 * 3 * 9
    assert rows[-1].output == (10,)
    assert flops(module, (3, 16, 16)) == sum(row.flops for row in rows)


AIRBENCH = {
    "whitening": True, "initial": "dirac", "pool_first": True, "norm_scale": False, "activation": "gelu",
    "convs_per_block": 2, "filters": [8, 16, 16],
}  # fmt: skip


def test_whitened_patches_have_no_correlation_and_equal_variance():
    """Correlated colors of any mean; the two halves of the filters are opposite."""
    mixing = torch.tensor([[1.0, 0.5, 0.2], [0.0, 0.6, 0.3], [0.0, 0.0, 0.4]])
    images = torch.einsum("nchw,cd->ndhw", noise(64, 3, 12, 12), mixing) * 0.1 + 0.4
    layer = PatchWhitening(3)
    layer.fit(images.split(16))
    seen = layer(images).transpose(0, 1).flatten(1)
    assert torch.allclose(seen[:12], -seen[12:], atol=1e-4)
    assert torch.allclose(torch.cov(seen[:12]), torch.eye(12), atol=0.01)
    assert seen.mean(1).abs().max() < 1e-4


def test_whitening_is_the_same_for_the_same_images_and_learns_its_bias_alone():
    images = [noise(16, 1, 8, 8)]
    one, two = PatchWhitening(1), PatchWhitening(1).to(memory_format=torch.channels_last)
    for layer in (one, two):
        layer.fit(images)
    assert torch.equal(one.weight, two.weight)
    assert [p.requires_grad for p in (one.weight, one.bias)] == [False, True]


def test_whitening_images_without_any_difference_gives_finite_weights():
    layer = PatchWhitening(1)
    layer.fit([torch.ones(4, 1, 8, 8)])
    assert layer.weight.isfinite().all()


def test_a_dirac_convolution_passes_its_input_on():
    module = cnn(layers=1, filters=8, initial="dirac")
    initialize(module, torch.Generator().manual_seed(0))
    x = noise(2, 3, 16, 16)
    assert torch.allclose(module[0][0](x)[:, :3], x, atol=1e-6)
    assert module[0][0].weight[3:].abs().max() > 0.05


def test_pooling_first_leaves_a_quarter_of_the_pixels_to_the_rest_of_the_block():
    with torch.device("meta"):
        rows = layer_table(cnn(**AIRBENCH), (3, 16, 16))
    block = [row for row in rows if row.name.startswith("block1")]
    sides = [(row.name.rpartition(".")[2], row.output[-1]) for row in block]
    assert sides == [
        ("conv1", 15), ("pool", 7), ("norm1", 7), ("activation1", 7),
        ("conv2", 7), ("norm2", 7), ("activation", 7),
    ]  # fmt: skip


def test_a_norm_without_scale_learns_its_shift_alone():
    module = cnn(norm_scale=False, norm_momentum=0.4)
    norm = module[0].norm1
    assert (norm.weight.requires_grad, norm.bias.requires_grad, norm.momentum) == (False, True, 0.4)
    assert count(module) == count(cnn())


def test_the_average_over_a_mirror_image_answers_alike_for_both_and_only_outside_training():
    module, plain = cnn(flip_average=True), cnn()
    for each in (module, plain):
        initialize(each, torch.Generator().manual_seed(0))
    x = noise(4, 3, 16, 16)
    assert torch.equal(module(x), plain(x))
    module, plain = module.eval(), plain.eval()
    assert torch.allclose(module(x), module(x.flip(-1)), atol=1e-6)
    assert torch.allclose(module(x), (plain(x) + plain(x.flip(-1))) / 2, atol=1e-6)
    assert layer_table(module, (3, 16, 16)) == layer_table(plain, (3, 16, 16))
    assert torch.allclose(module(x), module(x.flip(-1)), atol=1e-6), "the table leaves both views on"


@pytest.mark.parametrize("pool_first", [True, False])
def test_a_residual_block_adds_its_branch_to_what_its_first_convolution_gives(pool_first):
    module = cnn(layers=1, residual=True, convs_per_block=2, pool_first=pool_first)
    block, x = module[0], noise(2, 3, 16, 16)
    nn.init.zeros_(block.residual.branch.conv2.weight)
    seen = block.activation1(block.norm1(block.pool(block.conv1(x)) if pool_first else block.conv1(x)))
    assert torch.equal(block(x), seen if pool_first else block.pool(seen))


@pytest.mark.parametrize("options", [{"convs_per_block": 1}, {"convs_per_block": 2, "padding": "valid"}])
def test_a_residual_block_needs_a_branch_with_maps_of_the_same_size(options):
    with pytest.raises(SpecError, match="add convs_per_block: 2 and padding: same"):
        cnn(layers=1, residual=True, **options)


def test_squeeze_excitation_scales_whole_maps():
    layer, x = SqueezeExcitation(16), noise(2, 16, 4, 4)
    shares = layer(x) / x
    assert torch.allclose(shares, shares[..., :1, :1].expand_as(shares), atol=1e-5)
    assert 0 < shares.min() < shares.max() < 1


def test_resnet9_has_the_parameters_that_follow_from_its_layers():
    """Eight convolutions, 2,240 BatchNorm channels with four numbers each, 512 x 10 + 10."""
    with torch.device("meta"):
        module = model["resnet9"]((3, 32, 32), 10)
    convolutions = 9 * (3 * 64 + 64 * 128 + 2 * 128**2 + 128 * 256 + 256 * 512 + 2 * 512**2)
    assert count(module) == convolutions + 4 * 2_240 + 5_130 == 6_577_610


def test_the_whitening_layer_takes_a_pixel_and_the_refusal_says_so():
    message = "pooled below 1 px at block 5 of 5: 32 px with .* whitening allow at most 4 blocks"
    with pytest.raises(SpecError, match=message):
        cnn((3, 32, 32), layers=5, whitening=True)
    assert cnn((3, 32, 32), layers=4, whitening=True)(noise(1, 3, 32, 32)).shape == (1, 10)
