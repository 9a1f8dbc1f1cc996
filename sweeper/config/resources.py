"""The section `resources` of a sweep file: what a trial holds, and which trials hold something else."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sweeper.config.parameter import Condition, holds
from sweeper.config.sections import Count, Positive, Strict
from sweeper.errors import SpecError
from sweeper.trial import Config

Gpus = Annotated[float, Field(ge=0)]


def _check_gpus(gpu: float | None) -> None:
    if gpu is not None and gpu > 1 and not gpu.is_integer():
        raise SpecError(f"found {gpu:g}, expected a fraction up to 1 or a whole number", path="gpu")


class ResourceRule(Strict):
    """What trials of some configurations hold instead; what it leaves out stays as in `resources`."""

    when: Annotated[dict[str, Condition], Field(min_length=1)]
    """The rule is for configurations in which these parameters have one of these values."""
    gpu: Gpus | None = None
    """GPUs: at most 1."""
    cpu: Positive | None = None
    """CPU cores."""
    memory_gb: Positive | None = None
    """Memory in GB."""
    custom: dict[str, Positive] | None = None
    """Ray's custom resources, by name; replaces those of `resources`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_gpus(self.gpu)
        return self


class ResourcesSpec(Strict):
    """What one trial holds."""

    gpu: Gpus = 1.0
    """GPUs: at most 1; a fraction shares one with other trials. Ignored where there is none."""
    cpu: Positive = 1.0
    """CPU cores."""
    memory_gb: Positive | None = None
    """Memory in GB."""
    custom: dict[str, Positive] = Field(default={})
    """Ray's custom resources, by name."""
    concurrency: Count | None = None
    """Trials at a time, at most; left out, as many as fit."""
    fuse: Annotated[Count, Field(le=64)] | Literal["auto", "off"] = "auto"
    """Trials of equal network that train as one on a device, at most (not with Ray); `auto` is for GPUs."""
    rules: list[ResourceRule] = Field(default=[])
    """Other amounts for some configurations; of several rules that fit one, the first counts."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_gpus(self.gpu)
        return self

    def of(self, config: Config) -> "ResourcesSpec":
        """Return what a trial of this configuration holds, without further rules."""
        rule = next((rule for rule in self.rules if holds(rule.when, config)), None)
        return self._with(rule)

    @property
    def fused(self) -> int:
        """How many trials train as one, at most."""
        return self.fuse if isinstance(self.fuse, int) else 1

    @property
    def variants(self) -> "list[ResourcesSpec]":
        """Return everything that `of` can answer, each once."""
        found: list[ResourcesSpec] = []
        for each in (self._with(rule) for rule in (None, *self.rules)):
            if each not in found:
                found.append(each)
        return found

    def share(self, config: Config, *, on_gpu: bool) -> float:
        """Return what the trial holds of a device: GPUs, or CPU slots, of which `cpu` cores make one."""
        held = self.of(config)
        return held.gpu if on_gpu else held.cpu / self.cpu

    def _with(self, rule: ResourceRule | None) -> "ResourcesSpec":
        changed = rule.model_dump(exclude={"when"}, exclude_none=True) if rule else {}
        return self.model_copy(update={**changed, "rules": []})
