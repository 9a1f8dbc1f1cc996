import logging

import numpy as np
import pytest
import torch

from sweeper.config.sections import DatasetSpec
from sweeper.data.dataset import open_dataset
from sweeper.data.normalize import normalization
from sweeper.data.normalize.parts.spectrum import Centered, exact, gram, randomized
from sweeper.data.normalize.zca import extrapolated_rank


class Images:
    """Correlated images whose covariance falls as 1 / rank squared, as a training split."""

    def __init__(self, count=600, pixels=8, channels=3):
        generator = torch.Generator().manual_seed(0)
        size = pixels * pixels * channels
        basis = torch.linalg.qr(torch.empty(size, size).normal_(generator=generator)).Q
        weights = torch.empty(count, size).normal_(generator=generator) / torch.arange(1, size + 1)
        self.rows = 0.5 + 0.1 * weights @ basis.T
        self.count = count
        self.shape = (channels, pixels, pixels)

    def passes(self, batch_size):
        for rows in self.rows.split(batch_size):
            yield rows.view(-1, *self.shape[1:], self.shape[0]).permute(0, 3, 1, 2).clone()


class Tight(Images):
    """The same where 32 images are as many as memory holds, which shows in the middle of a pass."""

    def passes(self, batch_size):
        for number, images in enumerate(super().passes(batch_size)):
            if batch_size > 32 and number == 1:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 6 GB")
            yield images


def batch(images):
    return torch.cat(list(images.passes(32)))


def direct_zca(images, epsilon, count=None):
    """The textbook's formula in float64."""
    stride = max(10, -(-images.count // 64))
    fitted = images.rows[torch.arange(images.count) % stride != 0].double()
    mean = fitted.mean(0)
    centered = fitted - mean
    values, vectors = torch.linalg.eigh(centered.T @ centered / len(fitted))
    matrix = vectors @ torch.diag(1 / (values + epsilon * values.mean()).sqrt()) @ vectors.T
    return (images.rows.double() - mean) @ matrix


def white(images, name="zca", **options):
    plugin = normalization[name](**normalization.check(name, options))
    fitted = plugin.fit(images)
    return plugin.transform(fitted)(batch(images)), fitted


def rows(images_nchw):
    return images_nchw.permute(0, 2, 3, 1).flatten(1).double()


@pytest.mark.parametrize("epsilon", [0.01, 0.1, 1.0])
def test_exact_zca_is_the_textbooks(epsilon):
    images = Images()
    found, fitted = white(images, zca_epsilon=epsilon)
    true = direct_zca(images, epsilon)
    assert ((rows(found) - true).norm() / true.norm()) < 1e-3
    assert int(fitted["rank"]) == 192


def test_whitened_images_are_decorrelated():
    found, _ = white(Images(3000), zca_epsilon=0.001)
    covariance = torch.cov(rows(found).T)
    away = covariance - torch.diag(covariance.diagonal())
    assert away.abs().mean() < 0.02 * covariance.diagonal().mean()


@pytest.mark.parametrize("name", ["standardize", "zca", "zca_patch"])
def test_a_fit_that_runs_out_of_memory_goes_on_with_fewer_images_at_once(name, caplog):
    (roomy, _), (tight, _) = (white(kind(800), name=name) for kind in (Images, Tight))
    far = 0.2 if name == "zca_patch" else 1e-3  # its patches are drawn for each batch anew
    assert float((roomy - tight).norm() / roomy.norm()) < far
    said = [text for text in caplog.messages if text.startswith("out of memory: going on with 32 images")]
    assert len(said) == 1, "the next pass knows"


@pytest.mark.parametrize("rank", [16, 48, 96])
def test_the_error_of_a_low_rank_is_what_it_says(rank):
    images = Images(5000)
    found, fitted = white(images, zca_rank=rank, zca_epsilon=0.1)
    true = direct_zca(images, 0.1)
    error = float((rows(found) - true).norm() / true.norm())
    assert float(fitted["error"]) == pytest.approx(error, rel=0.25, abs=0.003)


def test_a_last_eigenvalue_within_a_quarter_of_the_regulariser_keeps_the_error_small():
    for rank in (8, 16, 32, 64, 128):
        _, fitted = white(Images(5000), zca_rank=rank, zca_epsilon=0.1)
        if float(fitted["ratio"]) <= 0.25:
            assert float(fitted["error"]) < 0.04


def test_a_rank_that_is_too_low_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        white(Images(), zca_rank=2)
    assert "raise zca_epsilon or zca_rank" in caplog.text


@pytest.mark.parametrize("count", [40, 150])
def test_fewer_images_than_pixels_are_enough(count):
    images = Images(count)
    found, _ = white(images, zca_epsilon=0.1)
    true = direct_zca(images, 0.1)
    assert ((rows(found) - true).norm() / true.norm()) < 0.01


def test_the_three_ways_to_the_spectrum_agree():
    centered = Centered(Images(500))
    whole, few, part = exact(centered), gram(centered), randomized(centered, 20)
    assert np.allclose(whole.values[:20], few.values[:20], rtol=1e-3)
    assert np.allclose(whole.values[:15], part.values[:15], rtol=1e-2)
    assert whole.total == pytest.approx(whole.values.sum(), rel=1e-4)


def test_images_held_back_are_fitted_on_by_nothing():
    images = Images(640)
    centered = Centered(images)
    assert centered.count + len(centered.held_back()) == 640
    before = centered.mean.clone()
    images.rows[::10] += 100
    assert torch.equal(Centered(images).mean, before)


def test_patches_whiten_as_the_whole_image_does_on_stationary_images():
    generator = torch.Generator().manual_seed(0)
    noise = torch.empty(400, 3, 32, 32).uniform_(generator=generator)
    smooth = torch.nn.functional.avg_pool2d(noise, 5, 1, 2)

    class Smooth:
        count, shape = 400, (3, 32, 32)

        def passes(self, batch_size):
            yield from smooth.split(batch_size)

    plugin = normalization["zca_patch"](zca_epsilon=0.1)
    found = plugin.transform(plugin.fit(Smooth()))(smooth)
    assert found.shape == smooth.shape
    neighbors = torch.corrcoef(torch.stack([found[..., 1:].flatten(), found[..., :-1].flatten()]))[0, 1]
    before = torch.corrcoef(torch.stack([smooth[..., 1:].flatten(), smooth[..., :-1].flatten()]))[0, 1]
    assert neighbors < 0.5 * before


def test_a_constant_channel_does_not_divide_by_zero():
    class Flat:
        count, shape = 20, (3, 8, 8)

        def passes(self, batch_size):
            yield torch.full((20, 3, 8, 8), 0.5)

    for name in normalization:
        plugin = normalization[name]()
        assert plugin.transform(plugin.fit(Flat()))(torch.full((2, 3, 8, 8), 0.5)).isfinite().all()


@pytest.mark.parametrize("name", ["standardize", "zca", "zca_patch"])
def test_statistics_are_fitted_once_and_kept_beside_the_store(tmp_path, name):
    spec = DatasetSpec.model_validate({"source": "synthetic", "classes": 2, "per_class": 20, "size": 10})
    first = open_dataset(spec, pixels=10, normalization=name, cache=tmp_path)
    kept = list(tmp_path.rglob("*.npy"))
    times = {path: path.stat().st_mtime_ns for path in kept}
    again = open_dataset(spec, pixels=10, normalization=name, cache=tmp_path)
    assert kept
    assert {path: path.stat().st_mtime_ns for path in kept} == times
    one, other = (next(data.batches("test", batch_size=4))[0] for data in (first, again))
    assert torch.equal(one, other)


def test_another_split_or_option_has_its_own_statistics(tmp_path):
    for split, epsilon in ((1, 0.1), (2, 0.1), (1, 0.5)):
        spec = DatasetSpec.model_validate({"source": "digits", "split": {"seed": split}})
        open_dataset(spec, pixels=8, normalization="zca", options={"zca_epsilon": epsilon}, cache=tmp_path)
    assert len(list(tmp_path.rglob("matrix.npy"))) == 3


def test_the_validation_split_leaves_the_statistics_alone(tmp_path):
    spec = DatasetSpec.model_validate({"source": "digits"})
    data = open_dataset(spec, pixels=8, normalization="standardize", cache=tmp_path)
    plain = open_dataset(spec, pixels=8, cache=tmp_path)
    train = torch.cat([x for x, _ in plain.batches("train", batch_size=500)])
    assert float(data.fitted["mean"][0]) == pytest.approx(float(train.mean()), abs=1e-5)


def test_an_unknown_normalisation_is_named_with_its_neighbour(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'standardize'"):
        open_dataset(DatasetSpec(source="digits"), pixels=8, normalization="standardise", cache=tmp_path)


@pytest.mark.slow(reason="whitens twice")
def test_what_a_killed_fit_left_behind_harms_neither_fit_nor_build(tmp_path):
    spec = DatasetSpec.model_validate({"source": "digits"})
    open_dataset(spec, pixels=8, normalization="standardize", cache=tmp_path)
    (fitted,) = (path.parent for path in tmp_path.rglob("mean.npy"))
    fitted.rename(fitted.with_name(fitted.name + ".part-dead"))
    open_dataset(spec, pixels=9, cache=tmp_path)
    assert open_dataset(spec, pixels=8, normalization="standardize", cache=tmp_path).fitted
    assert [path.parent.name.endswith(".part-dead") for path in tmp_path.rglob("mean.npy")] == [False]


class Smooth(Images):
    """Images of 33 px, above what is always exact, with a few strong directions and a little noise."""

    def __init__(self, count):
        generator = torch.Generator().manual_seed(0)
        self.count, self.shape = count, (3, 33, 33)
        patterns = torch.empty(24, 3267).normal_(generator=generator)
        self.rows = torch.empty(count, 24).normal_(generator=generator) @ patterns * 0.1
        self.rows += torch.empty(count, 3267).normal_(0, 0.01, generator=generator)


@pytest.mark.slow(reason="whitens 3,267 numbers an image, as 33 px have")
@pytest.mark.parametrize("count", [300, 4400])
def test_larger_images_get_the_rank_that_the_rule_asks_for(count):
    _, fitted = white(Smooth(count))
    assert 24 <= int(fitted["rank"]) <= 256
    assert float(fitted["ratio"]) <= 0.25
    assert float(fitted["error"]) < 0.04


def test_the_rank_is_foreseen_where_eigenvalues_fall_as_a_power():
    values = np.arange(1, 257) ** -1.5
    needed = 0.0001 ** (-1 / 1.5)
    assert extrapolated_rank(values, 0.0001) == pytest.approx(1.1 * needed, rel=0.05)
