"""Which sizes and normalizations of the images a sweep's trials can ask for."""

from typing import Any

from sweeper.config.parameter import Choice, Constant, FloatRange, Parameter
from sweeper.config.spec import SweepSpec
from sweeper.errors import SpecError
from sweeper.search.points import configurations, has_points_only
from sweeper.training.recipe import DEFAULT_PIXELS, stage_sizes


def pixel_sizes(spec: SweepSpec) -> tuple[int, ...]:
    """Return every image size that a trial can ask for, those that it grows through included, ascending."""
    if has_points_only(spec):
        return tuple(sorted({size for size, _ in image_variants(spec)}))
    parameter = spec.parameters.get("pixels")
    if isinstance(parameter, FloatRange):
        raise SpecError(
            "parameters.pixels: found fractions, expected whole numbers",
            where=spec.where("parameters.pixels"),
        )
    sizes = (DEFAULT_PIXELS,) if parameter is None else parameter.values
    grown = spec.parameters.get("progressive")
    if isinstance(grown, FloatRange) and grown.step is None:
        raise SpecError(
            "parameters.progressive: found a continuous range, but each size is decoded",
            hint="add q: 0.25, or list the values",
            where=spec.where("parameters.progressive"),
        )
    begins = (spec.train.progressive,) if grown is None else grown.values
    return tuple(
        sorted({size for pixels in sizes for begin in begins for size in stage_sizes(pixels, begin)})
    )


def image_variants(spec: SweepSpec) -> tuple[tuple[int, str], ...]:
    """Return every pixel size and normalization that a trial can ask for together."""
    if has_points_only(spec):
        asked = [
            (size, config.get("normalization", "none"))
            for config in configurations(spec)
            for size in stage_sizes(
                config.get("pixels", DEFAULT_PIXELS), config.get("progressive", spec.train.progressive)
            )
        ]
        return tuple(dict.fromkeys(asked))
    parameter = spec.parameters.get("normalization")
    names = ("none",) if parameter is None else _values(parameter)
    return tuple((pixels, name) for pixels in pixel_sizes(spec) for name in names)


def _values(parameter: Parameter) -> tuple[Any, ...]:
    return tuple(parameter.values) if isinstance(parameter, Choice | Constant) else ()
