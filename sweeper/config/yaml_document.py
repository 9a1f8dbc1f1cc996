"""Reads YAML safely: no tags, aliases, bombs or YAML 1.1 surprises, and a line number for every key."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from sweeper.errors import SpecError
from sweeper.registry import nearest

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_NODES = 20_000

Scalar = str | int | float | bool | None

# YAML 1.2's core schema: `no`, `on`, `12:30` and `1_000` stay text, `1e-3` is a number
_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,30})|0o[0-7]{1,30}|0x[0-9a-fA-F]{1,30}")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
_OCTAL = re.compile(r"[-+]?0[0-9]+")
_VARIABLE = re.compile(r"\$\$\{|\$\{([^{}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Document:
    """The data of a file with the `lines` of each dotted path, and the `origins` of what `-o` replaced."""

    name: str
    data: dict[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict[str, int])
    origins: Mapping[str, str] = field(default_factory=dict[str, str])

    def where(self, path: str) -> str:
        """Return `file.yaml:12` for a dotted path, or for the nearest key above it that is written down."""
        if path not in self.origins and (below := self._origin_below(path)):
            return below  # what an override changed in a section that was right before
        while path:
            if path in self.origins:
                return self.origins[path]
            if path in self.lines:
                return f"{self.name}:{self.lines[path]}"
            if below := self._origin_below(path):
                return below
            path = path.rpartition(".")[0]
        return self.name

    def _origin_below(self, path: str) -> str:
        """Return the last override of a key inside, "" where there is none."""
        inside = [origin for key, origin in self.origins.items() if path and key.startswith(f"{path}.")]
        return inside[-1] if inside else ""


def read_document(path: Path, environment: Mapping[str, str] = os.environ, starter: str = "") -> Document:
    """Return the document of a file; SpecError for whatever is not a small UTF-8 YAML mapping.

    `starter` is what to do where neither the file is there nor another YAML file beside it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise SpecError("there is no such file", where=str(path), hint=_neighbors(path) or starter) from None
    except IsADirectoryError:
        raise SpecError(
            "this is a folder, expected a YAML file", where=str(path), hint=_inside(path)
        ) from None
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return parse_document(_decode(content, str(path)), name=str(path), environment=environment)


def parse_document(text: str, *, name: str, environment: Mapping[str, str] = os.environ) -> Document:
    """Parse the document of a text; `name` stands for the file in messages."""
    if len(text) > MAX_BYTES:
        raise SpecError(f"larger than {MAX_BYTES // 1024} KiB, which no sweep file needs", where=name)
    data, lines = parse_value(text.removeprefix("\ufeff"), name=name, environment=environment)
    if data is None:
        raise SpecError("the file is empty", where=name, hint="`sweeper init` writes a starter sweep file")
    if not isinstance(data, dict):
        raise SpecError("expected keys with values (`name: ...`) at the top", where=f"{name}:1")
    return Document(name, data, lines)


def parse_value(text: str, *, name: str, environment: Mapping[str, str]) -> tuple[Any, dict[str, int]]:
    """Parse any YAML value; return it with the lines of its content by dotted path."""
    builder = _Builder(name, environment)
    try:
        value = builder.build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text, name) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        reason = " ".join(str(error).split())[:80]
        raise SpecError("this is not text that YAML can hold", where=name, hint=reason) from error
    return value, builder.lines


class _Builder:
    """Builds data from parse events, and counts, so that nothing large is ever constructed.

    `yaml.compose` would be shorter by some lines, but its nodes no longer show anchors and written tags, and
    a bomb would be composed before its depth could be refused.
    """

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.environment = environment
        self.lines: dict[str, int] = {}
        self.nodes = 0
        self.documents = 0

    def build(self, events: Iterator[yaml.Event]) -> Any:
        value = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self.documents += 1
                if self.documents > 1:
                    raise self.error(event, "a second document starts here", "one file holds one sweep")
            elif isinstance(event, yaml.NodeEvent):
                value = self.node(event, events, "", 0)
        return value

    def node(self, event: yaml.Event, events: Iterator[yaml.Event], path: str, depth: int) -> Any:
        self.nodes += 1
        self.refuse(event, depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, path, depth)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(events, path, depth)
        return self.scalar(event)

    def refuse(self, event: Any, depth: int) -> None:
        if event.anchor is not None:  # an alias has one too
            raise self.error(event, "anchors and aliases (& and *) are not accepted", "write the value out")
        if depth > MAX_DEPTH:
            raise self.error(event, f"nested deeper than {MAX_DEPTH} levels")
        if self.nodes > MAX_NODES:
            raise self.error(event, f"more than {MAX_NODES:,} values", "give a range: min and max")
        if event.tag is not None and event.tag != "!":
            raise self.error(event, f"the tag {event.tag} is not accepted", "plain values need none")

    def sequence(self, events: Iterator[yaml.Event], path: str, depth: int) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            inner = _join(path, str(len(items)))
            self.lines[inner] = _line(event)
            items.append(self.node(event, events, inner, depth + 1))
        return items

    def mapping(self, events: Iterator[yaml.Event], path: str, depth: int) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self.key(event)
            inner = _join(path, key)
            if key in items:
                raise self.error(event, f"{inner!r} stands twice; the first is in line {self.lines[inner]}")
            self.lines[inner] = _line(event)
            items[key] = self.node(next(events), events, inner, depth + 1)
        return items

    def key(self, event: yaml.Event) -> str:
        self.nodes += 1
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
            raise self.error(event, "a key must be plain text", "if this is ${NAME}, put it in quotes")
        if not event.value:
            raise self.error(event, "a key is empty")
        return str(event.value)

    def scalar(self, event: Any) -> Scalar:
        text = str(event.value)
        if "${" in text:
            return self.typed(self.expand(text, event), event)
        return text if event.style else self.typed(text, event)

    def typed(self, text: str, event: yaml.Event) -> Scalar:
        if text in _WORDS:
            return _WORDS[text]
        if _INT.fullmatch(text):
            return int(text, 0)
        if _OCTAL.fullmatch(text):
            plain = text.lstrip("+-0") or "0"
            raise self.error(
                event, f"found {text}, octal to some readers", f"write {plain}, or '{text}' for text"
            )
        if _FLOAT.fullmatch(text):
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        return text

    def expand(self, text: str, event: yaml.Event) -> str:
        """Replace `${NAME}` and `${NAME:-default}` from the environment; `$${` stands for `${`."""

        def value(match: re.Match[str]) -> str:
            if match[0] == "$${":
                return "${"
            name, has_default, default = match[1].partition(":-")
            if not match[0].endswith("}") or not _NAME.fullmatch(name):
                problem = f"found {match[0]!r}, expected ${{NAME}} or ${{NAME:-default}}"
                raise self.error(event, problem, "write $${ for a ${ that means itself")
            if name in self.environment and (self.environment[name] or not has_default):
                return self.environment[name]
            if not has_default:
                raise self.error(
                    event,
                    f"the environment has no {name}",
                    f"export {name}=... or write ${{{name}:-default}}",
                )
            return default

        return _VARIABLE.sub(value, text)

    def error(self, event: yaml.Event, problem: str, hint: str = "") -> SpecError:
        return SpecError(problem, where=f"{self.name}:{_line(event)}", hint=hint)


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _decode(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise SpecError(f"larger than {MAX_BYTES // 1024} KiB, which no sweep file needs", where=name)
    if b"\0" in content:
        raise SpecError("this is a binary file, expected YAML text in UTF-8", where=name)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SpecError(
            f"byte {content[error.start]:#04x} is not UTF-8 text", where=f"{name}:{line}"
        ) from error


def _syntax_error(error: yaml.MarkedYAMLError, text: str, name: str) -> SpecError:
    mark = error.problem_mark or error.context_mark
    number = mark.line + 1 if mark else 1
    lines = text.splitlines()
    line = lines[number - 1] if number <= len(lines) else ""
    hint = ""
    if "\t" in line:
        hint = "the line has a tab: indent with spaces"
    elif "${" in line:
        hint = "inside { } put ${NAME} in quotes"
    problem = f"not YAML: {error.problem or error.context}"
    return SpecError(problem, where=f"{name}:{number}", hint=hint)


def _neighbors(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder} either"
    names = [entry.name for entry in folder.iterdir() if entry.suffix in (".yaml", ".yml")]
    return nearest(path.name, names) if names else ""


def _inside(path: Path) -> str:
    names = sorted(entry.name for entry in path.iterdir() if entry.suffix in (".yaml", ".yml"))
    return f"it holds {', '.join(names[:8])}" if names else ""
