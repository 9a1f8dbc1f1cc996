import importlib
import inspect
import subprocess
import sys
import typing
from pathlib import Path
from typing import Any

import pytest

from sweeper.data.augment import augmentation
from sweeper.data.normalize import normalization
from sweeper.data.sources import source
from sweeper.models import model
from sweeper.registry import Registry
from sweeper.schedulers import scheduler
from sweeper.search import searcher
from sweeper.signatures import declared

REGISTRIES: list[Registry[Any]] = [model, augmentation, normalization, source, searcher, scheduler]
HEAVY = ("torch", "torchvision", "ray", "mlflow", "optuna", "scipy", "sklearn", "pyarrow")
NAMES_AND_OPTIONS = """\
import sys
from tests.unit.test_signatures import HEAVY, REGISTRIES
names = [(registry.kind, name, len(registry.options(name))) for registry in REGISTRIES for name in registry]
print(len(names) > 35, [name for name in HEAVY if name in sys.modules])
"""


def options_of(plugin: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(plugin, include_extras=True)
    parameters = inspect.signature(plugin).parameters.values()
    return {p.name: (repr(hints[p.name]), p.default) for p in parameters if p.kind is p.KEYWORD_ONLY}


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.kind)
def test_the_source_says_of_every_plug_in_what_the_plug_in_itself_says(registry: Registry[Any]) -> None:
    package = importlib.import_module(registry.package)
    files = [path for path in Path(str(package.__file__)).parent.glob("*.py") if path.stem != "__init__"]
    read: dict[str, Any] = {}
    for path in files:
        read |= declared(f"{registry.package}.{path.stem}", registry.package, registry)
    own = [
        name for name in registry if registry[name].__module__.startswith(registry.package)
    ]  # not of tests
    assert sorted(read) == own
    for name, signature in read.items():
        assert options_of(signature) == options_of(registry[name]), name


def test_the_names_and_options_of_all_plug_ins_are_known_without_what_building_them_needs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NAMES_AND_OPTIONS],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "True []"


COMPLETE = """\
import torch_that_is_not_installed
from typing import Literal
from pydantic import Field
from plugs import Share, plug

Side = Literal["left", "right"]
SIDES: list[Side] = ["left"]

class Helper(torch_that_is_not_installed.Module):
    pass

class Shared:
    share: Share = 0.5

@plug("one", "two")
def one(shape, *, side: Side = SIDES[0], share: Share = 0.1) -> Helper:
    return Helper()
"""
COMPUTED = [
    'for name in ("a", "b"):\n    plug(name)(lambda: None)\n',
    'plug("a")(lambda: None)\n',
    'NAME = "a"\n@plug(NAME)\ndef a(*, x: int = 1): ...\n',
    'if True:\n    Kind = int\n@plug("a")\ndef a(*, x: Kind = 1): ...\n',
]


@pytest.fixture
def plugs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typing.Iterator[Path]:
    folder = tmp_path / "plugs"
    folder.mkdir()
    text = "from sweeper.registry import Registry\nplug = Registry('plug', 'plugs')\nShare = float\n"
    (folder / "__init__.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "plugs"]:
        del sys.modules[name]


def test_only_what_the_options_name_is_run(plugs: Path) -> None:
    (plugs / "module.py").write_text(COMPLETE)
    registry = importlib.import_module("plugs").plug
    assert list(registry) == ["one", "two"]
    assert registry.check("two", {"side": "right"}) == {"side": "right", "share": 0.1}
    with pytest.raises(ModuleNotFoundError):
        registry["two"]


@pytest.mark.parametrize("text", COMPUTED)
def test_a_module_whose_source_does_not_say_it_all_is_imported(plugs: Path, text: str) -> None:
    (plugs / "module.py").write_text(f"from plugs import plug\n{text}")
    registry = importlib.import_module("plugs").plug
    assert declared("plugs.module", "plugs", registry) == {}
    assert "a" in list(registry)
    assert "plugs.module" in sys.modules


def test_two_modules_that_say_one_name_are_refused(plugs: Path) -> None:
    for name in ("first", "second"):
        (plugs / f"{name}.py").write_text("from plugs import plug\n@plug('a')\ndef a(*, x: int = 1): ...\n")
    with pytest.raises(RuntimeError, match="two plug-ins of kind plug are called 'a'"):
        list(importlib.import_module("plugs").plug)
