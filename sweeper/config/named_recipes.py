"""Named recipes are defaults of how networks are built and trained.

A sweep file overrides them key by key.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from sweeper.config.yaml_document import Document

RecipeName = Literal["study2017", "plain", "fast"]
NETWORK = "cnn"
"""The architecture whose options a recipe names; a sweep file without `architecture` has no other."""


@dataclass(frozen=True)
class NamedRecipe:
    """What a name stands for: keys of `train`, parameters of any network, and options of `cnn`."""

    source: str
    train: Mapping[str, Any] = field(default_factory=dict[str, Any])
    images: Mapping[str, Any] = field(default_factory=dict[str, Any])
    network: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def values(self) -> dict[str, Any]:
        """Return every key with its value, whatever section it belongs to."""
        return {**self.train, **self.images, **self.network}


RECIPES: Mapping[RecipeName, NamedRecipe] = {
    "study2017": NamedRecipe(
        source="the food study of 2017 (docs/studies.md)",
        train={
            "batch_size": 32, "optimizer": "rmsprop", "learning_rate": 1e-3, "schedule": "constant",
            "weight_decay": 0.0,
        },
        images={"augmentation": "basic", "normalization": "standardize"},
        network={"kernel": 2, "batch_norm": False},
    ),
    "plain": NamedRecipe(source="the defaults of every key"),
    "fast": NamedRecipe(
        source="after airbench94 (Jordan 2024, arXiv:2404.00498); chosen by benchmarks/recipe.py",
        train={
            "optimizer": "muon", "learning_rate": 0.03, "momentum": 0.6, "schedule": "warmup_stable_decay",
            "label_smoothing": 0.2,
        },
        images={"augmentation": "crop_flip", "normalization": "standardize"},
        network={
            "convs_per_block": 2, "whitening": True, "initial": "dirac", "pool_first": True,
            "norm_scale": False, "activation": "gelu",
        },
    ),
}  # fmt: skip


def with_recipe(document: Document) -> Document:
    """Write the keys of the file's recipe where the file says nothing; an unknown name is left to the model.

    Parameters get one value. Where other networks than `cnn` are searched too, the recipe holds for `cnn`
    alone, as parameters with that condition. What is filled in stays when it is read again: a record means
    the same whatever becomes of a recipe.
    """
    data = document.data
    recipe = next((each for name, each in RECIPES.items() if name == data.get("recipe", "plain")), None)
    written = data.get("train", {}), data.get("parameters", {})
    if recipe is None or not all(isinstance(section, dict) for section in written):
        return document
    train, parameters = cast("tuple[dict[str, Any], dict[str, Any]]", written)
    given = {**train, **parameters}
    added = {
        section: {key: value for key, value in values.items() if key not in given}
        for section, values in _sections(recipe, _names(parameters.get("architecture", NETWORK))).items()
    }
    filled = {section: {**data.get(section, {}), **values} for section, values in added.items() if values}
    origins = {f"{section}.{key}": f"recipe {data['recipe']}" for section in filled for key in added[section]}
    return replace(document, data={**data, **filled}, origins={**document.origins, **origins})


def _sections(recipe: NamedRecipe, networks: list[object]) -> dict[str, dict[str, Any]]:
    """What the recipe writes into which section, for a file that searches these networks."""
    if NETWORK not in networks:
        return {
            "train": dict(recipe.train),
            "parameters": {key: {"value": value} for key, value in recipe.images.items()},
        }
    if len(networks) == 1:
        options = {**recipe.images, **recipe.network}
        parameters = {key: {"value": value} for key, value in options.items()}
        return {"train": dict(recipe.train), "parameters": parameters}
    when = {"architecture": [NETWORK]}
    return {"parameters": {key: {"value": value, "when": when} for key, value in recipe.values.items()}}


def _names(raw: object) -> list[object]:
    """Return the values of a parameter as a file may write it."""
    if isinstance(raw, dict):
        written = cast("dict[str, Any]", raw)
        raw = written.get("values", written.get("value"))
    return cast("list[object]", raw) if isinstance(raw, list) else [raw]


def stands_for(name: RecipeName, train: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe's keys that hold in a sweep, without those that its file sets or searches itself.

    `train` are the resolved settings, `parameters` the fixed values by name.
    """
    held = {**{key: value for key, value in train.items() if key not in parameters}, **parameters}
    return {key: value for key, value in RECIPES[name].values.items() if held.get(key) == value}
