"""What docs/search.md says exists, and the other way round."""

import inspect
import re
from pathlib import Path

import pytest

from sweeper.config.spec import parse_spec
from sweeper.plan.check_plugins import check_plugins
from sweeper.schedulers import scheduler
from sweeper.search import searcher

TEXT = (Path(__file__).parents[2] / "docs" / "search.md").read_text()
KINDS = [*((searcher, name) for name in searcher), *((scheduler, name) for name in scheduler)]
OURS = [(kind, name) for kind, name in KINDS if inspect.getmodule(kind[name]).__name__.startswith("sweeper.")]


@pytest.mark.parametrize(("kind", "name"), OURS, ids=[name for _, name in OURS])
def test_every_algorithm_and_scheduler_is_described_with_its_options(kind, name):
    assert f"| `{name}` |" in TEXT
    assert [option for option in kind.options(name) if f"`{option}`" not in TEXT] == []


def test_defaults_of_tpe_are_the_ones_of_the_code():
    found = {option: parameter.default for option, parameter in searcher.options("tpe").items()}
    for option, default in found.items():
        assert f"| `{option}` | {str(default).lower()} |" in TEXT


def test_the_example_is_a_sweep():
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL).group(1)
    spec = parse_spec(
        f"name: s\ndataset: {{source: digits}}\nparameters: {{layers: {{min: 1, max: 2}}}}\n{example}"
    )
    check_plugins(spec)
