import math

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import TrivialAugmentWide
from torchvision.transforms.v2 import functional as V

from sweeper.data.augment import augmentation
from sweeper.data.augment.parts.affine import (
    Crop,
    matrices,
    resample,
    resample_at_once,
    resample_in_blocks,
)
from sweeper.data.augment.parts.color import Cutout, Erase, Jitter
from sweeper.data.augment.parts.draws import BLOCK, Draws, uniform
from sweeper.data.augment.parts.translate import Translate, mirror_coins, mirrored
from sweeper.data.augment.parts.trivial import Trivial


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(count=16, pixels=24, channels=3):
    return torch.empty(count, channels, pixels, pixels).uniform_(generator=generator(9))


def changed_by(change, images):
    return Draws([change], len(images), generator(), images.device)(images, 0)


def still(count):
    return torch.zeros(count), torch.zeros(2, count), torch.ones(count), torch.ones(2, count)


def test_geometry_agrees_with_torchvision_on_the_same_parameters():
    images = noise(32, 33)
    drawn = torch.empty(6, 32).uniform_(-1, 1, generator=generator(1))
    degrees, shift, zoom = drawn[0] * 90, (drawn[1:3] * 0.2 * 33).round() / 33, 1 + 0.2 * drawn[3]
    flip = drawn[4:].sign()
    ours = resample(images, matrices(degrees * math.pi / 180, shift, zoom, flip), "zeros")
    for number, image in enumerate(images):
        theirs = V.affine(
            image,
            angle=float(degrees[number]),
            translate=[float(each) * 33 for each in shift[:, number]],
            scale=float(zoom[number]),
            shear=[0.0, 0.0],
            interpolation=InterpolationMode.BILINEAR,
        )
        theirs = V.horizontal_flip(theirs) if flip[0, number] < 0 else theirs
        theirs = V.vertical_flip(theirs) if flip[1, number] < 0 else theirs
        assert (ours[number] - theirs).abs().max() < 0.01 / 255


def test_doing_nothing_changes_nothing():
    images = noise()
    assert (resample(images, matrices(*still(16))) - images).abs().max() < 1e-5


def test_flips_mirror_exactly():
    images = noise()
    angle, shift, zoom, flip = still(16)
    mirrored = resample(images, matrices(angle, shift, zoom, flip * torch.tensor([[-1.0], [1.0]])))
    assert (mirrored - images.flip(3)).abs().max() < 1e-5


def test_a_quarter_turn_is_exact():
    images = noise()
    angle, shift, zoom, flip = still(16)
    turned = resample(images, matrices(angle + math.pi / 2, shift, zoom, flip))
    assert (turned - torch.rot90(images, -1, (2, 3))).abs().max() < 1e-4


def test_what_comes_from_outside_repeats_the_border():
    images = torch.zeros(1, 1, 10, 10)
    images[..., 0] = 1
    angle, _, zoom, flip = still(1)
    shifted = resample(images, matrices(angle, torch.tensor([[0.3], [0.0]]), zoom, flip))
    assert shifted[0, 0, :, :4].min() > 0.9999
    assert shifted[0, 0, :, 4:].max() < 0.0001


@pytest.mark.parametrize("name", ["light", "basic", "strong"])
def test_policies_repeat_with_the_generator_and_differ_between_images(name):
    images = noise(1).expand(8, -1, -1, -1)
    one, other = (augmentation[name]()(images, generator(3)) for _ in range(2))
    assert torch.equal(one, other)
    assert not torch.equal(one[0], one[1])


@pytest.mark.parametrize("name", ["none", "custom"])
def test_policies_without_ranges_leave_the_batch_alone(name):
    images = noise()
    assert torch.equal(augmentation[name]()(images, generator()), images)


@pytest.mark.parametrize("name", list(augmentation))
def test_a_policy_keeps_shape_type_and_range(name):
    for channels in (1, 3):
        images = noise(channels=channels)
        changed = augmentation[name]()(images, generator())
        assert changed.shape == images.shape
        assert changed.dtype == torch.float32
        assert changed.min() >= 0
        assert changed.max() <= 1 + 1e-6


def test_basic_is_the_studys_policy():
    defaults = {name: option.default for name, option in augmentation.options("basic").items()}
    assert (defaults["rotation"], defaults["shift"]) == (90, 0.2)
    assert defaults["flip_horizontal"]
    assert defaults["flip_vertical"]


def test_light_never_flips():
    ramp = torch.linspace(0, 1, 16).expand(64, 1, 16, 16)
    changed = augmentation["light"]()(ramp, generator())
    assert (changed[..., -4:].mean((1, 2, 3)) > changed[..., :4].mean((1, 2, 3))).all()


def test_colour_is_jittered_around_the_image():
    images = noise(256, 8)
    changed = changed_by(Jitter(0.2), images)
    assert not torch.equal(changed, images)
    assert (changed.mean() - images.mean()).abs() < 0.02


def test_erasing_hits_its_share_of_the_images_with_patches_of_their_mean():
    images = noise(400, 20)
    changed = changed_by(Erase(0.25), images)
    hit = (changed != images).flatten(1).any(1)
    assert 0.15 < hit.float().mean() < 0.35
    area = (changed != images).any(1).float().mean((1, 2))[hit]
    assert area.max() < 0.25
    first = int(hit.nonzero()[0])
    patch = changed[first][changed[first] != images[first]].view(3, -1)
    assert torch.allclose(patch[:, 0], images[first].mean((1, 2)))


@pytest.mark.parametrize("options", [{"rotation": 200}, {"shift": -0.1}, {"zoom": 1.0}, {"spin": 3}])
def test_a_range_that_cannot_be_meant_is_refused(options):
    with pytest.raises(ValueError, match="custom"):
        augmentation.check("custom", options)


def test_the_grid_stays_in_full_precision_under_autocast():
    images = noise()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = augmentation["basic"]()(images, generator(3))
    assert torch.equal(inside, augmentation["basic"]()(images, generator(3)))


def test_translation_moves_whole_pixels_within_its_share_and_reflects_at_the_edge():
    """A ramp tells each pixel's place: row * 100 + column."""
    side = torch.arange(16.0)
    image = side[:, None] * 100 + side
    moved = changed_by(Translate(0.125), image.expand(400, 1, 16, 16))
    padded = torch.nn.functional.pad(image[None, None], (2, 2, 2, 2), mode="reflect")[0, 0]
    crops = {
        (down, across): padded[down : down + 16, across : across + 16]
        for down in range(5)
        for across in range(5)
    }
    seen = {key for each in moved for key, crop in crops.items() if torch.equal(each[0], crop)}
    assert seen == set(crops)
    assert all(any(torch.equal(each[0], crop) for crop in crops.values()) for each in moved)


def test_a_single_pixel_can_be_translated():
    assert torch.equal(changed_by(Translate(0.9), noise(4, 1)), noise(4, 1))


def test_an_alternating_flip_shows_every_image_both_ways_in_any_two_epochs():
    images, rows = noise(64), torch.arange(1000, 1064)
    epochs = [mirrored(images, mirror_coins(rows, epoch)) for epoch in range(1, 4)]
    turned = [[torch.equal(a, b) for a, b in zip(seen, images.flip(-1), strict=True)] for seen in epochs]
    assert [not each for each in turned[0]] == turned[1]
    assert turned[0] == turned[2]
    assert 16 < sum(turned[0]) < 48


def test_a_random_resized_crop_shows_a_part_within_its_area_and_shape():
    """The matrices say which part: its sides are the diagonal, its middle the last column."""
    [theta] = Crop(0.5).ready(uniform(2000, 4, generator(), torch.device("cpu")), noise(1))
    width, height, middle = theta[:, 0, 0], theta[:, 1, 1], theta[:, :, 2].abs()
    assert 0.49 < (width * height).min() < 0.55
    assert (width * height).max() > 0.95
    assert ((width / height).log().abs() <= math.log(4 / 3) + 1e-5).all()
    assert (middle <= 1 - torch.stack([width, height], 1) + 1e-6).all()
    ramp = torch.linspace(0, 1, 16).expand(8, 1, 16, 16)
    seen = augmentation["custom"](crop=0.5)(ramp, generator())
    assert (seen.amax((1, 2, 3)) - seen.amin((1, 2, 3)) < 1 - 1e-3).any()


def test_cutout_hides_a_square_of_its_side_in_every_image_also_over_the_edge():
    images = noise(300, 20, 1)
    hidden = (changed_by(Cutout(0.5), images) != images).sum((1, 2, 3))
    assert hidden.max() == 10 * 10
    assert 25 <= hidden.min() < 60


@pytest.mark.parametrize("padding", ["border", "zeros"])
def test_a_gpu_resamples_in_three_launches_what_a_cpu_does_in_blocks(padding):
    images = noise(40, 48)
    drawn = torch.empty(6, 40).uniform_(-1, 1, generator=generator(1))
    theta = matrices(drawn[0], drawn[1:3] * 0.2, 1 + 0.2 * drawn[3], drawn[4:].sign())
    ways = [way(images, theta, padding) for way in (resample_at_once, resample_in_blocks)]
    assert torch.allclose(*ways, atol=1e-4)


def test_an_epoch_draws_once_and_gives_each_image_its_own_change():
    """Batches may begin anywhere and be of any size: the place in the epoch decides."""
    policy = augmentation["strong"](crop=0.1, translate=0.1, cutout=0.2)
    images = noise(1, 12).expand(64, -1, -1, -1)
    whole = policy.epoch(64, generator(3), images.device)(images, 0)
    source = generator(3)
    epoch = policy.epoch(64, source, images.device)
    drawn = source.get_state()
    for start, size in ((0, 20), (20, 1), (21, 43), (5, 8)):
        chosen = slice(start, start + size)
        assert torch.allclose(epoch(images[chosen], start), whole[chosen], atol=1e-6)
    assert torch.equal(source.get_state(), drawn)
    assert not any(torch.equal(whole[0], other) for other in whole[1:])


def test_what_an_epoch_makes_ready_is_bounded():
    class Counted:
        columns = 1

        def __init__(self):
            self.sizes = []

        def ready(self, drawn, images):
            self.sizes.append(drawn.shape[1])
            return (drawn[0],)

        def __call__(self, images, *ready):
            assert len(ready[0]) == len(images)
            return images

    change = Counted()
    count = 2 * BLOCK + 100
    draws = Draws([change], count, generator(), torch.device("cpu"))
    images = torch.empty(128, 1, 1, 1)
    for start in range(0, count, 128):
        draws(images[: count - start], start)
    assert change.sizes == [BLOCK, BLOCK, 100]


def test_trivial_augment_is_torchvisions_with_a_seed_for_four_images():
    images = noise(10, 32).mul(255).round().div(255)
    drawn = torch.empty(1, 10).uniform_(generator=generator(3))
    (seeds,) = Trivial().ready(drawn, images)
    changed = Trivial()(images, seeds)
    for first in range(0, 10, 4):
        torch.random.default_generator.manual_seed(int(seeds[first]))
        theirs = TrivialAugmentWide()((images[first : first + 4] * 255).round().to(torch.uint8))
        assert torch.equal((changed[first : first + 4] * 255).round().to(torch.uint8), theirs)


def test_trivial_augment_leaves_other_draws_alone():
    before = torch.random.get_rng_state()
    changed_by(Trivial(), noise())
    assert torch.equal(torch.random.get_rng_state(), before)


def test_trivial_augment_makes_every_operation_and_many_strengths():
    images = torch.linspace(0, 1, 32).expand(400, 3, 32, 32)
    changed = changed_by(Trivial(), images)
    assert len({bytes(each.mul(255).byte().flatten().tolist()) for each in changed}) > 40
