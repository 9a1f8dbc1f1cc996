"""Text for people, for spreadsheets and without secrets."""

import json

import pytest

from sweeper.results.render_json import json_text
from sweeper.wording import cell, plain, redacted

SECRET = "hunter2"
ADDRESSES = [
    ("postgresql://ada:hunter2@host:5432/db", "postgresql://ada:***@host:5432/db"),
    ("postgresql+psycopg2://ada:hunter2@/db?host=/run", "postgresql+psycopg2://ada:***@/db?host=/run"),
    ("http://ada:hunter2@host", "http://ada:***@host"),
    ("http://hunter2@host:5000", "http://***@host:5000"),
    ("https://hunter2:@host", "https://***@host"),
    ("http://:hunter2@host", "http://:***@host"),
    ("http://ada:hun@ter2hunter2@host", "http://ada:***@host"),
    ("http://ada:hunter2/x@host/y", "http://ada:***@host/y"),
    ("http://ada:hunter2#x@host", "http://ada:***@host"),
    ("http://u:hunter2@[::1/", "http://u:***@[::1/"),
    ("HTTP://ada:hunter2@HOST", "HTTP://ada:***@HOST"),
    ("https://host/?token=hunter2", "https://host/?token=***"),
    ("https://host/?a=1&access_token=hunter2&b=2", "https://host/?a=1&access_token=***&b=2"),
    ("https://host/?API_KEY=hunter2", "https://host/?API_KEY=***"),
    ("mysql://h/db?ssl=1;password=hunter2", "mysql://h/db?ssl=1;password=***"),
    ("https://bucket/x?X-Amz-Signature=hunter2", "https://bucket/x?X-Amz-Signature=***"),
    ("https://bucket/x?X-Amz-Credential=hunter2&X", "https://bucket/x?X-Amz-Credential=***&X"),
    ("https://host/#access_token=hunter2", "https://host/#access_token=***"),
    ("two: http://a:hunter2@h and http://hunter2@g.", "two: http://a:***@h and http://***@g."),
    ("'http://a:hunter2@h'", "'http://a:***@h'"),
]
HARMLESS = [
    "http://host:5000",
    "sqlite:////home/ada@work/b.db",
    "http://127.0.0.1:5000/#/experiments/7/runs?orderByKey=metrics.%60valid%2Ftop5%60&orderByAsc=false",
    "ada@example.org asked",
    "trial 3 of toy: 91.2 %",
]


@pytest.mark.parametrize(("text", "shown"), ADDRESSES)
def test_no_secret_of_an_address_is_shown(text: str, shown: str) -> None:
    assert SECRET in text
    assert redacted(text) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_holds_no_secret_is_shown_as_it_is(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07name", "name"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;cm0gLXJm\x07", ""),
        ("\x9b31mred", "red"),
        ("photo\u202egpj.exe", "photogpj.exe"),
        ("a\u2066b\u2069c\u200fd\u061ce", "abcde"),
        ("one\r\ntwo\ttabs\x08", "onetwotabs"),
        ("\udce9.jpg", ".jpg"),
        ("größer 猫 می\u200cخواهم 👩\u200d🔬", "größer 猫 می\u200cخواهم 👩\u200d🔬"),
    ],
)
def test_text_for_a_person_is_text(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize("text", ["\x9b31m", "\u202e", "\x7f", "\u2028", "\udce9", "a\nb", '"\\', "\x1b[2J"])
def test_json_says_the_same_and_repaints_nothing(text: str) -> None:
    document = json_text({"key": text, text: 1})
    assert json.loads(document) == {"key": text, text: 1}
    assert plain(document.replace("\n", "")) == document.replace("\n", "")


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "\x00=1", "\u200b=1"])
def test_a_name_that_a_spreadsheet_takes_for_a_formula_is_text(text: str) -> None:
    assert not str(cell(text)).startswith(("=", "+", "-", "@", "\t"))


@pytest.mark.parametrize("value", [-1.5, 0, None, "plain", "a=b", ""])
def test_numbers_and_other_text_stay_as_they_are_in_a_table(value: object) -> None:
    assert cell(value) == value
