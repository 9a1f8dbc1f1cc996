import sys
import typing
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from sweeper.cost import prices  # noqa: F401  (a package without plug-ins: nothing may register from it)
from sweeper.errors import SpecError
from sweeper.models import model
from sweeper.registry import Registry, nearest
from sweeper.runners import runner
from sweeper.schedulers import scheduler
from sweeper.search import searcher

REGISTRIES = [scheduler, searcher, runner, model]
Kind = Literal["stop", "promote"]


def build(
    goal: str,
    *,
    grace: Annotated[float, Field(gt=0)] = 1,
    kind: Kind = "stop",
    top: int | None = None,
    is_on: bool = False,
) -> str:
    """A plug-in."""
    return f"{goal} {grace} {kind} {top} {is_on}"


def none(goal: str) -> str:
    """A plug-in without options."""
    return goal


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """A registry over a package of its own, whose modules count how often they are imported."""
    package = f"toys_{abs(hash(tmp_path))}"
    folder = tmp_path / package
    folder.mkdir()
    (folder / "__init__.py").write_text("from sweeper.registry import Registry\n")
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("toy", package)

    def add(name: str, text: str) -> None:
        (folder / f"{name}.py").write_text(text)

    registry.add = add  # pyright: ignore
    yield registry
    for name in [name for name in sys.modules if name.startswith(package)]:
        del sys.modules[name]


@pytest.fixture
def plugins(toys):
    toys("build")(build)
    toys("none")(none)
    return toys


def test_the_keyword_only_arguments_are_the_options(plugins):
    assert list(plugins.options("build")) == ["grace", "kind", "top", "is_on"]
    assert plugins.check("build", {}) == {"grace": 1, "kind": "stop", "top": None, "is_on": False}
    assert plugins.check("build", {"grace": 2.5, "kind": "promote"})["kind"] == "promote"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"garce": 1}, "toy 'build' has no option 'garce'; did you mean 'grace'?"),
        ({"zzz": 1}, "toy 'build' has no option 'zzz'; expected one of grace, is_on, kind, top"),
        ({"goal": "x"}, "has no option 'goal'"),
        ({"grace": 0}, "toy 'build': grace: found 0, input should be greater than 0"),
        ({"grace": "much"}, "toy 'build': grace: found 'much', "),
        ({"kind": "both"}, "toy 'build': kind: found 'both', input should be 'stop' or 'promote'"),
        ({"top": 2.5}, "toy 'build': top: found 2.5, "),
        ({"top": [1]}, "toy 'build': top: found [1], "),
        ({"grace": True}, "toy 'build': grace: found True, "),
        ({"top": True}, "toy 'build': top: found True, "),
        ({"top": "3"}, "toy 'build': top: found '3', "),
        ({"is_on": 1}, "toy 'build': is_on: found 1, "),
        ({"is_on": "no"}, "toy 'build': is_on: found 'no', "),
        ({"grace": float("nan")}, "toy 'build': grace: found nan, "),
        ({"grace": float("inf")}, "toy 'build': grace: found inf, "),
    ],
)
def test_a_bad_option_is_one_line_that_names_it(plugins, options, message):
    with pytest.raises(SpecError) as caught:
        plugins.check("build", options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_whole_number_written_as_a_float_is_whole(plugins):
    assert plugins.check("build", {"top": 3.0})["top"] == 3


def test_one_option_is_checked_whatever_the_others_are(plugins):
    assert plugins.check_option("build", "grace", 2) == 2
    with pytest.raises(SpecError, match="kind: found 'both'"):
        plugins.check_option("build", "kind", "both")
    with pytest.raises(SpecError, match="did you mean 'kind'"):
        plugins.check_option("build", "kinds", "stop")
    with pytest.raises(SpecError, match="top: found True"):
        plugins.check_option("build", "top", True)


def test_a_plug_in_without_options_says_so(plugins):
    with pytest.raises(SpecError) as caught:
        plugins.check("none", {"grace": 1})
    assert str(caught.value) == "toy 'none' has no option 'grace'; it has no options"


def test_two_plug_ins_of_one_name_are_refused_at_once(plugins):
    with pytest.raises(RuntimeError, match="two plug-ins of kind toy are called 'build'"):
        plugins("build")(none)
    plugins("build")(build)
    assert plugins["build"] is build


def test_two_modules_that_claim_one_name_are_refused_on_discovery(toys):
    text = f"import {toys.package} as p\nfrom sys import modules\nregistry = modules['holder'].registry\n"
    sys.modules["holder"] = typing.cast("typing.Any", type("holder", (), {"registry": toys}))
    try:
        for name in ("first", "second"):
            toys.add(name, text + "@registry('same')\ndef plug(): ...\n")
        with pytest.raises(RuntimeError, match="two plug-ins of kind toy are called 'same'"):
            list(toys)
    finally:
        del sys.modules["holder"]


def test_one_plug_in_may_have_several_names(toys):
    toys("a", "b")(build)
    assert list(toys) == ["a", "b"]
    assert toys["a"] is toys["b"]


def test_asking_for_a_name_loads_no_other_module(toys):
    toys.add("wanted", "import sys\nsys.loaded_wanted = True\n")
    toys.add("other", "raise ImportError('needs an extra')\n")
    toys("wanted")(build)
    assert toys["wanted"] is build


@pytest.mark.parametrize(
    ("name", "hint"), [("biuld", "did you mean 'build'?"), ("x", "expected one of build, none")]
)
def test_an_unknown_name_is_answered_with_the_nearest_one(plugins, name, hint):
    with pytest.raises(SpecError) as caught:
        plugins[name]
    assert str(caught.value) == f"no toy is called {name!r}; {hint}"


def test_the_nearest_of_nothing_is_still_a_sentence():
    assert nearest("x", []) == "there are none"


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_every_option_of_every_plug_in_is_typed_and_has_a_docstring(registry):
    for name in registry:
        hints = typing.get_type_hints(registry[name], include_extras=True)
        assert all(option in hints for option in registry.options(name)), name
        assert (registry[name].__doc__ or "").strip(), f"{name} says nothing about itself"


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_every_default_is_a_value_that_the_option_accepts(registry):
    for name in registry:
        for option, parameter in registry.options(name).items():
            if parameter.default is not parameter.empty:
                assert registry.check_option(name, option, parameter.default) == parameter.default, name


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_a_plug_in_folder_holds_nothing_but_its_registry_and_types_in_its_init(registry):
    path = Path(sys.modules[registry.package].__file__ or "")
    assert "def " not in path.read_text().replace("    def ", "")
