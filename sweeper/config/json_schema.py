"""The JSON Schema and the reference tables of sweep files, made from the models: they cannot drift."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import BaseModel

from sweeper.config.objective_section import LimitsSpec, ObjectiveSpec
from sweeper.config.parse_parameters import ParameterSpec
from sweeper.config.resources import ResourceRule, ResourcesSpec
from sweeper.config.sections import (
    BudgetSpec,
    DatasetSpec,
    FinalSpec,
    SchedulerSpec,
    SearchSpec,
    SplitSpec,
    StopWhenSpec,
    TrackingSpec,
    TrainSpec,
)
from sweeper.config.spec import SweepSpec

SECTIONS: Mapping[str, type[BaseModel]] = {
    "The file": SweepSpec,
    "`dataset`": DatasetSpec,
    "`dataset.split`": SplitSpec,
    "`parameters`: each one": ParameterSpec,
    "`train`": TrainSpec,
    "`objective`": ObjectiveSpec,
    "`objective.limits`": LimitsSpec,
    "`search`": SearchSpec,
    "`scheduler`": SchedulerSpec,
    "`budget`": BudgetSpec,
    "`final`": FinalSpec,
    "`stop_when`": StopWhenSpec,
    "`resources`": ResourcesSpec,
    "`resources.rules`: each one": ResourceRule,
    "`tracking`": TrackingSpec,
}


def json_schema() -> dict[str, Any]:
    """Return the grammar as JSON Schema draft 7, the newest that the YAML language server understands."""
    schema = SweepSpec.model_json_schema(ref_template="#/definitions/{model}")
    definitions = schema.pop("$defs")
    tidy: dict[str, Any] = _draft7({**schema, "definitions": definitions})
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": "sweeper sweep file", **tidy}


def reference() -> str:
    """Return the tables of docs/sweep-file.md: each key with what it takes, its default, and its meaning."""
    return "\n\n".join("\n".join(_table(title, model)) for title, model in SECTIONS.items()) + "\n"


def _table(title: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"### {title}\n"
    yield f"{' '.join((model.__doc__ or '').split())}\n"
    yield "| key | takes | default | meaning |\n| --- | --- | --- | --- |"
    properties = model.model_json_schema(ref_template="{model}")["properties"]
    for attribute, field in model.model_fields.items():
        name = field.alias or attribute
        meaning = " ".join((field.description or "").split()).replace("|", "\\|")
        default = "**required**" if field.is_required() else _default(field.get_default())
        yield f"| `{name}` | {_takes(properties[name])} | {default} | {meaning} |"


def _default(value: object) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    return "" if value is None else f"`{json.dumps(value)}`".replace('"', "")


_LIMITS: Mapping[str, str] = {
    "minimum": "at least {:g}",
    "exclusiveMinimum": "above {:g}",
    "maximum": "at most {:g}",
    "exclusiveMaximum": "below {:g}",
}
_TYPES: Mapping[str, str] = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true, false",
    "array": "list",
    "object": "keys with values",
    "null": "",
}


def _takes(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(filter(None, dict.fromkeys(_takes(each) for each in schema["anyOf"])))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "$ref" in schema:
        return "keys with values"
    # 2^63 is a limit that no reader needs to know
    limits = [text.format(schema[key]) for key, text in _LIMITS.items() if schema.get(key, 2**63) < 2**62]
    return " ".join(filter(None, [_TYPES.get(schema.get("type", ""), "any value"), ", ".join(limits)]))


def _draft7(node: Any) -> Any:
    """Remove pydantic's titles, and what stands beside a `$ref`, because draft 7 ignores it."""
    if isinstance(node, list):
        return [_draft7(each) for each in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    items = cast("dict[str, Any]", node)
    tidy = {key: _draft7(value) for key, value in items.items() if key != "title" or isinstance(value, dict)}
    if "$ref" in tidy and len(tidy) > 1:
        tidy["allOf"] = [{"$ref": tidy.pop("$ref")}]
    return tidy
