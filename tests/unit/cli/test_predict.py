import json

import pytest

from sweeper.cli import run


def test_a_photo_is_named_in_a_line(shelf, capsys: pytest.CaptureFixture[str]) -> None:
    photo = str(shelf.photos / "egg" / "1.jpg")
    assert run(["predict", "shelf", photo, "-k", "2"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"{photo}: ")
    assert line.count(" %") == 2


def test_json_holds_every_file_with_probabilities_that_fall(
    shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["predict", "shelf", str(shelf.photos / "fig"), "--trial", "1", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["sweep"], facts["trial"], facts["bad"]) == ("shelf", 1, [])
    assert [answer["file"].rpartition("/")[2] for answer in facts["predictions"]][:3] == [
        "0.jpg",
        "1.jpg",
        "2.jpg",
    ]
    for answer in facts["predictions"]:
        shares = [guess["probability"] for guess in answer["guesses"]]
        assert len(shares) == 5
        assert shares == sorted(shares, reverse=True)


def test_one_bad_image_is_reported_and_the_code_is_3_or_2_if_all_are(shelf, tmp_path, capsys) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no image")
    good = str(shelf.photos / "fig" / "1.jpg")
    assert run(["predict", "shelf", str(bad), good]) == 3
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"{bad}: not an image of a known format"]
    assert said.out.startswith(good)
    assert run(["predict", "shelf", str(bad), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["bad"][0]["reason"] == "not an image of a known format"


WRONG = [
    (["shelv", "x.jpg"], "no sweep is called 'shelv'; did you mean 'shelf'?"),
    (["shelf", "x.jpg", "--trial", "7"], "no trial '7'"),
    (["shelf"], "Missing argument 'IMAGE...'"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_what_is_wrong_is_told_in_a_line(shelf, capsys, arguments, said) -> None:
    assert run(["predict", *arguments]) == 2
    assert said in capsys.readouterr().err
