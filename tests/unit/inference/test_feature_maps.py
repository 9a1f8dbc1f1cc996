from dataclasses import replace

import pytest
from torch import nn

from sweeper.drawing.canvas import save
from sweeper.errors import SpecError
from sweeper.inference.feature_maps import feature_maps, filters_chart, maps_chart


def test_maps_have_the_shapes_of_the_layer_table(open_shelf, tmp_path) -> None:
    opened = open_shelf(1)
    image = opened.pixels("valid", 1)[0].numpy()
    maps = feature_maps(opened.model, image)
    assert {name: layer.shape for name, layer in maps.items()} == {
        "block1.conv1": (8, 16, 16),
        "block2.conv1": (8, 8, 8),
    }
    drawn = save(maps_chart(image, maps, "a $title$"), tmp_path / "maps.png")
    assert drawn.read_bytes().startswith(b"\x89PNG")


def test_a_layer_may_be_named_and_a_wrong_name_finds_the_nearest(open_shelf) -> None:
    opened = open_shelf(1)
    image = opened.pixels("valid", 1)[0].numpy()
    assert list(feature_maps(opened.model, image, ["block1.pool"])) == ["block1.pool"]
    with pytest.raises(SpecError, match=r"did you mean 'block1\.pool'"):
        feature_maps(opened.model, image, ["block1.pol"])
    with pytest.raises(SpecError, match="gives no feature maps"):
        feature_maps(opened.model, image, ["head.logits"])


def test_nothing_is_left_behind_in_the_network(open_shelf) -> None:
    opened = open_shelf(1)
    feature_maps(opened.model, opened.pixels("valid", 1)[0].numpy())
    assert not any(part._forward_hooks for part in opened.model.module.modules())


@pytest.mark.slow(reason="draws pictures with matplotlib")
@pytest.mark.parametrize("channels", [1, 3, 40])
def test_filters_are_drawn_whatever_their_number_and_channels(open_shelf, tmp_path, channels: int) -> None:
    model = replace(open_shelf(1).model, module=nn.Sequential(nn.Conv2d(channels, 5, 3)))
    assert save(filters_chart(model), tmp_path / "filters.png").stat().st_size > 500


def test_a_network_without_convolutions_has_no_filters(open_shelf) -> None:
    model = replace(open_shelf(1).model, module=nn.Linear(2, 2))
    with pytest.raises(SpecError, match="has no convolution"):
        filters_chart(model)
