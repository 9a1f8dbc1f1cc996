"""What a GPU is asked to do for each batch beside the replayed step, counted without one.

On the `meta` device the code takes the way that it takes on a GPU, and each operation is seen.
"""

import itertools
import math
from collections import Counter

import pytest
import torch
from torch.utils.flop_counter import TorchDispatchMode

from sweeper.config.sections import DatasetSpec, TrainSpec
from sweeper.data.augment import augmentation
from sweeper.data.batches import Residents
from sweeper.data.dataset import open_dataset
from sweeper.training.learner import Learner
from sweeper.training.recipe import compose

META = torch.device("meta")
BATCH, IMAGES = 8, 88
SILENT = {
    *("view", "_unsafe_view", "slice", "select", "permute", "unsqueeze", "expand", "as_strided", "split"),
    *("detach", "alias", "t", "transpose", "empty", "empty_like", "split_with_sizes", "unbind"),
}
EVERYTHING = {
    "crop": 0.1, "translate": 0.1, "rotation": 10, "shift": 0.1, "zoom": 0.1, "flip_vertical": True,
    "flip_alternating": True, "color": 0.2, "erase": 0.2, "cutout": 0.2, "mixup": 0.4,
}  # fmt: skip


class Launches(TorchDispatchMode):
    """Counts what becomes work for the device: all but views and memory that is handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix("aten::")
        if name not in SILENT:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def of_a_batch(cache, policy, options, normalization) -> Counter[str]:
    """Of one batch in the middle of an epoch; the first ones make ready what all of them use."""
    spec = DatasetSpec.model_validate({"source": "synthetic", "classes": 4, "per_class": 30, "size": 16})
    residents = Residents(lambda device: math.inf)
    data = open_dataset(spec, pixels=16, normalization=normalization, cache=cache, residents=residents)
    batches = data.batches(
        "train",
        batch_size=BATCH,
        generator=torch.Generator().manual_seed(0),
        augmentation=augmentation[policy](**options),
        drop_last=True,
        device=META,
    )
    list(itertools.islice(batches, 3))
    with Launches() as launches:
        images, labels = next(batches)
    assert (images.device, len(labels)) == (META, BATCH)
    return launches.found


def of_a_step(patterns, recorded_graphs) -> Counter[str]:
    """Of the loop around a replay: inputs, learning rates, the sum of the losses."""

    class Silent(recorded_graphs):
        def new(self):
            graph = super().new()
            graph.replay = lambda: None
            return graph

    recipe = compose({"pixels": 8, "layers": 1, "filters": 4}, TrainSpec(epochs=1, batch_size=10))
    learner = Learner.build(recipe, patterns, seed=1, device=torch.device("cpu"), graphs=Silent())
    learner.start_epoch(1)
    batches = list(patterns.batches("train", batch_size=10))
    learner.train_epoch(batches[:5], 1)
    assert learner.step.is_replaying
    counts = []
    for chosen in (batches[:4], batches[:8]):
        with Launches() as launches:
            learner.train_epoch(chosen, 1)
        counts.append(launches.found)
    each = counts[1] - counts[0]
    assert all(count % 4 == 0 for count in each.values())
    return Counter({name: count // 4 for name, count in each.items()})


@pytest.mark.parametrize(
    ("policy", "options", "most"),
    [
        ("none", {}, 15),
        ("light", {}, 15),
        ("basic", {}, 15),
        ("crop_flip", {}, 15),
        ("custom", {}, 15),
        ("strong", {}, 24),
        ("custom", EVERYTHING, 42),
    ],
)
@pytest.mark.parametrize("normalization", ["none", "scale", "standardize"])
def test_a_batch_costs_few_launches_beside_the_replayed_step(
    cache, patterns, recorded_graphs, policy, options, most, normalization
):
    """It was 59 with `basic`."""
    found = of_a_batch(cache, policy, options, normalization) + of_a_step(patterns, recorded_graphs)
    assert found.total() <= most, found
