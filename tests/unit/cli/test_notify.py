"""`sweeper notify`: whom the user's file names, and whether they hear."""

import sys

import pytest


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "sweeper").mkdir()
    return (tmp_path / "sweeper" / "config.yaml").write_text


def test_without_a_file_it_says_where_to_write_one(monkeypatch, tmp_path, say) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    said = say("notify", "--test")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"error: {tmp_path}/sweeper/config.yaml: nobody is told")
    assert len(said.err.splitlines()) == 1


def test_whom_it_tells_is_shown_without_the_secret(write, say) -> None:
    write("notify: {to: [{slack: 'https://hooks.slack.com/s3cr3t'}], on: [start, end]}")
    said = say("notify")
    assert (said.code, said.out) == (0, "slack at hooks.slack.com: start, end\n")


def test_a_test_is_told_to_each(write, say, tmp_path) -> None:
    out = tmp_path / "out"
    script = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    write(f'notify: {{to: [{{command: [{sys.executable}, -c, "{script}"]}}]}}')
    said = say("notify", "--test")
    assert (said.code, said.err) == (0, "")
    assert said.out.endswith("each of them took the test\n")
    assert out.read_text() == "sweeper: this is a test"


def test_a_test_that_fails_says_so(write, say) -> None:
    write("notify: {to: [{command: [/no/such/program]}]}")
    said = say("notify", "--test")
    assert said.code == 5
    assert "command /no/such/program: No such file or directory" in said.err
