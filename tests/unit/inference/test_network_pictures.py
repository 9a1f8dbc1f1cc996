import pytest

from sweeper.errors import SpecError
from sweeper.inference.network_pictures import draw_curves, draw_network
from sweeper.store.history import TrialHistory
from sweeper.trial import Goal, Report


def test_a_trial_without_reports_has_no_curves(tmp_path):
    assert draw_curves(TrialHistory("t", 0, {}, 1), Goal.MAXIMIZE, "toy", tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_curves_are_drawn_as_png_and_svg(tmp_path):
    trial = TrialHistory("t", 0, {}, 1, reports=[Report(1, 0.25), Report(2, 0.5)])
    files = draw_curves(trial, Goal.MAXIMIZE, "toy", tmp_path)
    assert [file.name for file in files] == ["curves.png", "curves.svg"]


@pytest.mark.slow(reason="draws pictures with matplotlib")
def test_filters_and_maps_are_drawn_and_an_unknown_layer_is_refused(open_shelf, tmp_path):
    opened = open_shelf()
    files = draw_network(opened, None, (), tmp_path)
    assert [file.name for file in files] == ["filters.png", "feature_maps.png"]
    with pytest.raises(SpecError, match="no layer is called 'blok1'"):
        draw_network(opened, None, ("blok1",), tmp_path)
