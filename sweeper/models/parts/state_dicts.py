"""Finds a network's weights in what a file holds: wrapped, averaged, or beside an optimizer's memory."""

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, cast

from torch import Tensor

from sweeper.errors import SpecError

_WRAPPERS = re.compile(r"(?:(?:module|_orig_mod|model|network|net|ema|model_ema|ema_model)\.)+")
_COMPILED = "_orig_mod."  # torch.compile puts it before the names of any part, not of the whole alone
_AVERAGED = re.compile(r"(?:^|[._])(?:ema|averaged|shadow)(?:[._]|$)")
_DEPTH = 3  # such as checkpoint["model_ema"]["module"]


@dataclass(frozen=True, slots=True)
class StateDict:
    """One network's tensors by name, taken from `entry` of a file, without a `prefix` that each name had."""

    entry: str
    prefix: str
    tensors: Mapping[str, Tensor]

    @property
    def is_averaged(self) -> bool:
        """Whether its place says that these are moving averages of the weights (EMA)."""
        return bool(_AVERAGED.search(self.entry) or _AVERAGED.search(self.prefix))

    @property
    def place(self) -> str:
        """What it was taken from, in words."""
        words = [f"the entry '{self.entry}'"] if self.entry else []
        words += [f"what is named '{self.prefix}...'"] if self.prefix else []
        return " and there ".join(words) or "the names as they are"


def choose(content: object, wanted: Set[str], *, where: str) -> tuple[Mapping[str, Tensor], str]:
    """Return the tensors of the network with the `wanted` names, and a line on where they were taken from.

    An average of the weights is taken before the weights themselves, as validation does. SpecError names the
    places where the file holds several such networks. Where it holds none, what comes closest is returned.
    """
    named = list(_named(content, "", _DEPTH))
    if not named:
        raise SpecError(
            "no state dict: expected a mapping of names to tensors",
            where=where,
            hint="write it with torch.save(network.state_dict(), FILE)",
        )
    found = [each for whole in named for each in _without_prefixes(whole)]
    fitting = _fitting(found, wanted) or _fitting(named, wanted)
    if not fitting:
        return max([*named, *found], key=lambda each: len(wanted & each.tensors.keys())).tensors, ""
    chosen = [each for each in fitting if each.is_averaged] or fitting
    if len(chosen) > 1:
        places = ", or ".join(each.place for each in chosen)
        raise SpecError(
            f"holds {len(chosen)} networks that fit: {places}",
            where=where,
            hint="write the one that is meant into a file of its own",
        )
    (taken,) = chosen
    others = [each.place for each in fitting if each is not taken]
    instead = f" (an average of the weights), not {' or '.join(others)}" if others else ""
    return taken.tensors, f"{where}: took {taken.place}{instead}" if taken.entry or taken.prefix else ""


def _fitting(found: Iterable[StateDict], wanted: Set[str]) -> list[StateDict]:
    return [each for each in found if wanted <= each.tensors.keys()]


def _named(content: object, entry: str, depth: int) -> Iterator[StateDict]:
    """Yield the mappings with tensors, the outermost first; an optimizer's memory is under numbers."""
    if not isinstance(content, Mapping) or depth < 0:
        return
    inside = {
        name: each for name, each in cast("Mapping[Any, Any]", content).items() if isinstance(name, str)
    }
    if tensors := {name: each for name, each in inside.items() if isinstance(each, Tensor)}:
        yield StateDict(entry, "", tensors)
    for name, each in inside.items():
        yield from _named(each, f"{entry}.{name}" if entry else name, depth - 1)


def _without_prefixes(whole: StateDict) -> Iterator[StateDict]:
    """Yield the tensors under each prefix that wrappers of the network leave before its own names."""
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in whole.tensors.items():
        wrapped = _WRAPPERS.match(name)
        prefix = wrapped.group() if wrapped else ""
        groups.setdefault(prefix, {})[name.removeprefix(prefix).replace(_COMPILED, "")] = tensor
    for prefix, tensors in groups.items():
        yield StateDict(whole.entry, prefix, tensors)
