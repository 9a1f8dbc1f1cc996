"""The user's own configuration, which no sweep file can change: whom to tell what happens."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainSerializer, ValidationError, model_validator

from sweeper.config.problem import problems
from sweeper.config.sections import Count, Positive, Strict
from sweeper.config.yaml_document import read_document
from sweeper.errors import SpecError, together

NoticeKind = Literal["start", "best", "failures", "budget", "stalled", "end"]
KINDS: tuple[NoticeKind, ...] = ("start", "best", "failures", "budget", "stalled", "end")


def _checked(address: str) -> str:
    """Refuse what is no web address, without repeating it: it holds a secret."""
    try:
        parts = urlsplit(address)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:
        raise SpecError(
            "this is no web address (it is not shown, as it may hold a secret)", hint="https://..."
        )
    return address


Webhook = Annotated[str, AfterValidator(_checked), PlainSerializer(lambda address: "***")]


class NoticeTarget(Strict):
    """Who is told: one of the keys. An address may be `${NAME}`, a variable of the environment."""

    slack: Webhook | None = None
    """An incoming webhook of Slack."""
    discord: Webhook | None = None
    """A webhook of a Discord channel."""
    teams: Webhook | None = None
    """The address of a Teams workflow that posts to a channel."""
    webhook: Webhook | None = None
    """Any other service: it receives JSON with `sweep`, `event` and `text`."""
    command: Annotated[list[str], Field(min_length=1)] | None = None
    """A program with its arguments; the text comes on its standard input."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = sorted(self.model_fields_set)
        if len(given) != 1:
            found = ", ".join(given) or "none"
            raise SpecError(f"found {found}, expected one of {', '.join(type(self).model_fields)}")
        return self

    @property
    def kind(self) -> str:
        """Which of the keys it has."""
        return next(iter(self.model_fields_set))

    @property
    def address(self) -> str:
        """The web address; "" for a command."""
        return self.slack or self.discord or self.teams or self.webhook or ""

    @property
    def name(self) -> str:
        """How it is called where people read it: the address itself is a secret."""
        if self.command:
            return f"command {self.command[0]}"
        return f"{self.kind} at {urlsplit(self.address).hostname}"


class NotifySpec(Strict):
    """What is told, and to whom."""

    to: Annotated[list[NoticeTarget], Field(min_length=1)]
    """Each of them is told everything."""
    on: list[NoticeKind] = Field(default=list(KINDS))
    """What is worth a word."""
    failures: Count = 3
    """So many failed trials are worth a word."""
    budget: list[Annotated[float, Field(gt=0, le=1)]] = Field(default=[0.5, 0.8, 1.0])
    """Shares of a limit that are worth a word."""
    stalled_minutes: Positive = 30
    """So long without a report of any trial counts as stalled."""
    best_minutes: Positive = 5
    """A new best is told once in so many minutes; the last one is not lost."""


class UserConfig(Strict):
    """The user's configuration."""

    notify: NotifySpec | None = None
    """Whom to tell what happens to sweeps."""


def user_config_path() -> Path:
    """Return `$XDG_CONFIG_HOME/sweeper/config.yaml`, else that in `~/.config`."""
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base).absolute() / "sweeper" / "config.yaml"


def user_config() -> UserConfig:
    """Return what the user's file says, all defaults where there is none; SpecError for each mistake."""
    path = user_config_path()
    if not path.exists():
        return UserConfig()
    document = read_document(path)
    try:
        return UserConfig.model_validate(document.data)
    except ValidationError as error:
        found = problems(error, document.data, UserConfig)
        raise together([each.at(each.path, document.where(each.path)) for each in found]) from error
