"""This module puts numbers into words: per cent, durations, device time, configurations.

It alone knows units.
"""

import math
import re
from typing import Literal

from sweeper.trial import Config

HOUR = 3600.0
"""Seconds."""
Cost = Literal["gpu_hours", "usd", "device_seconds"]
"""What the cost of a trial is counted in; device-hours of CPU slots where there is no GPU."""

_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]"  # colors, the cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"  # titles, the clipboard
)
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""C0 and C1, what turns the direction of writing around or cannot be seen, and halves of characters."""
_LOGIN = re.compile(r"(?<=://)(?!/)([^\s'\"<>]*)@")
_SECRET = re.compile(
    r"([?&;#][^=&;#\s'\"]*(?:token|passw|pwd|secret|api_?key|access_?key|signature|credential|auth)[^=&;#\s'\"]*=)"
    r"[^&;#\s'\"]+",
    re.IGNORECASE,
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_ACCURACY = re.compile(r"top\d+$|accuracy$")


def plain(text: str) -> str:
    """Return the text without control characters: a file's name must not be able to repaint the terminal."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text))


def escaped(json: str) -> str:
    """A JSON document whose strings hold the same text, with what `plain` leaves out as `\\uXXXX`."""
    return _CONTROL.sub(lambda found: found[0] if found[0] == "\n" else f"\\u{ord(found[0]):04x}", json)


def cell(value: object) -> object:
    """A value for a table that a spreadsheet opens: text that it would take for a formula begins with `'`."""
    if not isinstance(value, str):
        return value
    text = plain(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def redacted(text: str) -> str:
    """The text without the secrets of the addresses in it: passwords, tokens before `@`, keys behind `?`."""
    return _SECRET.sub(r"\1***", _LOGIN.sub(_without_password, text))


def _without_password(login: re.Match[str]) -> str:
    user, _, password = login[1].partition(":")
    return f"{user}:***@" if password else "***@"


def is_accuracy(metric: str) -> bool:
    """Say whether the metric is a fraction that people read in per cent."""
    return bool(_ACCURACY.search(metric))


def score_text(metric: str, value: float | None) -> str:
    """Return an accuracy in per cent, any other metric with four digits; `-` where there is none."""
    if value is None or math.isnan(value):
        return "-"
    return f"{100 * value:.1f} %" if is_accuracy(metric) else f"{value:.4g}"


def duration_text(seconds: float | None) -> str:
    """Return `48 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def device_text(device_seconds: float, has_gpu: bool) -> str:
    """Return device time in the unit that fits, named for what it is."""
    name = "GPU" if has_gpu else "CPU slot"
    if device_seconds < 360:
        return f"{device_seconds:.{1 if 0 < device_seconds < 10 else 0}f} {name} seconds"
    return f"{device_seconds / HOUR:.2f} {name} hours"


def in_unit(unit: Cost, device_seconds: float, usd: float | None) -> float:
    """Return the cost as a number; NaN for money where no price is known."""
    if unit == "usd":
        return math.nan if usd is None else usd
    return device_seconds / HOUR if unit == "gpu_hours" else device_seconds


def cost_unit(unit: Cost, has_gpu: bool, *, is_one: bool = False) -> str:
    """Return `GPU hours`, `CPU slot seconds` or `USD`."""
    if unit == "usd":
        return "USD"
    time = "second" if unit == "device_seconds" else "hour"
    return f"{'GPU' if has_gpu else 'CPU slot'} {time}{'' if is_one else 's'}"


def device_unit(unit: Cost) -> str:
    """Return `device-hours`, `device-seconds` or `USD`, for sweeps on any kind of device."""
    return {"usd": "USD", "gpu_hours": "device-hours", "device_seconds": "device-seconds"}[unit]


def time_figure(seconds: float | None, in_hours: bool) -> str:
    """Return the bare number for a column of hours or of seconds."""
    if seconds is None:
        return "-"
    if in_hours:
        return f"{seconds / HOUR:.3f}"
    return f"{seconds:.1f}" if seconds >= 1 or seconds == 0 else f"{seconds:.2g}"


def usd_figure(usd: float | None) -> str:
    """Return cents where there is a dollar, and three digits below."""
    if usd is None:
        return "-"
    return f"{usd:.2f}" if usd >= 1 or usd == 0 else f"{usd:.3g}"


def gain_figure(gain: float | None) -> str:
    """Return an accuracy's gain for a unit of cost, in points."""
    if gain is None:
        return "-"
    return f"{100 * gain:,.0f}" if abs(gain) >= 1 else f"{100 * gain:.3g}"


def counted(number: int, noun: str) -> str:
    """Return `1 trial`, `7 trials`, `2 launches`."""
    plural = f"{noun}es" if noun.endswith("ch") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def config_text(config: Config) -> str:
    """Return `layers=3 filters=16-32-64 learning_rate=0.0031`."""
    return " ".join(f"{name}={value_text(value)}" for name, value in config.items())


def value_text(value: object) -> str:
    """Return three significant digits of a float, and a list's items with dashes between them."""
    if isinstance(value, list):
        return "-".join(map(value_text, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)
