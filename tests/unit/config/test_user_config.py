"""The user's own file: whom to tell; mistakes are named and secrets are not."""

from pathlib import Path

import pytest

from sweeper.config.spec import parse_spec
from sweeper.config.user_config import user_config, user_config_path
from sweeper.errors import SpecError


@pytest.fixture
def write(tmp_path, monkeypatch):
    """`write(text)`: the user's file says this."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = user_config_path()
    path.parent.mkdir()
    return path.write_text


def test_without_a_file_nobody_is_told(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert user_config().notify is None


def test_the_file_lies_where_xdg_says_or_in_the_home(monkeypatch) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ana")
    assert user_config_path() == Path("/home/ana/.config/sweeper/config.yaml")


def test_addresses_may_come_from_the_environment(write, monkeypatch) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.slack.com/services/s3cr3t")
    write("notify:\n  to: [{slack: '${HOOK}'}]\n  on: [end]\n")
    spec = user_config().notify
    assert spec.to[0].address == "https://hooks.slack.com/services/s3cr3t"
    assert spec.to[0].name == "slack at hooks.slack.com"
    assert "s3cr3t" not in spec.model_dump_json()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("notify: {to: [{slack: s3cr3t}]}", "notify.to.0.slack: this is no web address"),
        ("notify: {to: [{slack: 'ftp://host/s3cr3t'}]}", "notify.to.0.slack: this is no web address"),
        ("notify: {to: [{slak: 'https://host/s3cr3t'}]}", "no key is called 'slak'; did you mean 'slack'?"),
        (
            "notify: {to: [{}]}",
            "notify.to.0: found none, expected one of slack, discord, teams, webhook, command",
        ),
        ("notify: {to: []}", "notify.to: found [], expected at least 1 of them"),
        ("notify: {to: [{command: [a]}], on: [ends]}", "did you mean 'end'?"),
        ("notify: {to: [{command: [a]}], budget: [2]}", "expected at most 1"),
        ("notifi: {}", "no key is called 'notifi'; did you mean 'notify'?"),
    ],
)
def test_a_mistake_is_one_line_with_its_place_and_no_secret(write, text: str, said: str) -> None:
    write(text)
    with pytest.raises(SpecError) as caught:
        user_config()
    line = str(caught.value)
    assert said in line
    assert "config.yaml:1" in line
    assert "s3cr3t" not in line


def test_a_sweep_file_that_names_whom_to_tell_is_refused_by_name() -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec("name: a\nnotify: {to: [{command: [rm, -rf, /]}]}\n", name="a.yaml")
    found = [str(each) for each in caught.value.each() if each.path == "notify"]
    assert found == [
        "a.yaml:2: notify: a sweep file cannot say this; it may come from a stranger: "
        "write it into your own ~/.config/sweeper/config.yaml"
    ]
