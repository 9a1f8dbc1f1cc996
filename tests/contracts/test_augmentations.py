"""What every augmentation promises: same shape, same range, no randomness but the generator's."""

import pytest
import torch

from sweeper.data.augment import augmentation


def images(channels=3):
    drawn = torch.empty(12, channels, 16, 16).uniform_(generator=torch.Generator().manual_seed(1))
    return drawn.contiguous(memory_format=torch.channels_last)


def build(name):
    return augmentation[name](**augmentation.check(name, {}))


@pytest.mark.parametrize("name", list(augmentation))
@pytest.mark.parametrize("channels", [1, 3])
def test_shape_type_and_range_are_kept(name, channels):
    changed = build(name)(images(channels), torch.Generator().manual_seed(0))
    assert changed.shape == (12, channels, 16, 16)
    assert changed.dtype == torch.float32
    assert 0 <= changed.min() <= changed.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", list(augmentation))
def test_the_generator_alone_decides(name):
    one, other = (build(name)(images(), torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one, other)


@pytest.mark.parametrize("name", list(augmentation))
def test_the_batch_that_came_in_is_left_alone(name):
    given = images()
    before = given.clone()
    build(name)(given, torch.Generator().manual_seed(5))
    assert torch.equal(given, before)


@pytest.mark.parametrize("name", [name for name in augmentation if augmentation.options(name)])
def test_every_option_has_a_default_so_that_a_sweep_file_may_say_only_the_name(name):
    assert all(option.default is not option.empty for option in augmentation.options(name).values())
    assert {
        "rotation",
        "shift",
        "zoom",
        "crop",
        "translate",
        "cutout",
        "flip_horizontal",
        "flip_vertical",
        "flip_alternating",
        "color",
        "erase",
        "mixup",
    } == set(augmentation.options(name))
