import json

import pytest

from sweeper.config.published_figures import Figures, Published, published_of
from sweeper.config.spec import parse_spec
from sweeper.errors import SpecError

WHOLE = {"test": {"top1": 0.0236, "top5": 0.0763}, "parameters": 4560, "seconds": 184}


def test_a_point_carries_the_figures_of_a_study():
    assert published_of({"layers": 1, "published": WHOLE}) == Published(
        test=Figures(top1=0.0236, top5=0.0763), parameters=4560, seconds=184
    )
    assert published_of({"layers": 1}) is None


@pytest.mark.parametrize(
    ("written", "has_test"), [({"test": {"loss": 3}}, True), ({"valid": {"top1": 0.5}}, False), ({}, False)]
)
def test_only_figures_of_the_test_split_ask_for_it(written, has_test):
    published = published_of({"published": written})
    assert published is not None
    assert published.has_test is has_test


WRONG = [
    ({"top1": 0.1}, r"points.0.published.top1: no key is called 'top1'"),
    ({"test": {"top-1": 0.1}}, r"published.test.top-1: no key is called 'top-1'; did you mean 'top1'\?"),
    ({"test": {"top1": 12.07}}, r"published.test.top1: found 12.07, expected at most 1"),
    ({"parameters": 4560.5}, r"published.parameters: found 4560.5, expected a whole number"),
    ({"seconds": "3 m"}, r"published.seconds: found '3 m', expected a number"),
    (0.97, r"points.0.published: found 0.97, expected keys with values"),
]


@pytest.mark.parametrize(("written", "message"), WRONG, ids=[row[1] for row in WRONG])
def test_what_is_no_figure_is_refused_with_its_place(written, message):
    sweep = {"name": "s", "dataset": {"source": "digits"}, "parameters": {"layers": 1}}
    with pytest.raises(SpecError, match=message):
        parse_spec(json.dumps(sweep | {"points": [{"layers": 1, "published": written}]}))
