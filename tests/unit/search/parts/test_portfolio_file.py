import pytest

from sweeper.errors import SpecError
from sweeper.search.parts.portfolio_file import PortfolioFile, is_shipped, portfolio_text, read_portfolio


@pytest.fixture
def read(tmp_path):
    def write(text):
        path = tmp_path / "team.yaml"
        path.write_text(text)
        return read_portfolio(str(path))

    return write


def test_members_have_what_they_share(read):
    found = read(
        "portfolio: 1\nmade: {on: [a, b]}\ncommon: {kernel: 3}\nmembers: [{layers: 2}, {kernel: 5}]\n"
    )

    assert found.configurations == [{"kernel": 3, "layers": 2}, {"kernel": 5}]
    assert found.origin == "on a, b"


def test_what_is_written_is_read_back(read):
    member = {"name": "small", "filters": [8, 16], "learning_rate": 0.0123456, "residual": True}
    made = PortfolioFile(
        portfolio=1, description="ours", made={"sets": 3}, common={"kernel": 3}, members=[member]
    )

    found = read(text := portfolio_text(made, ["how it was made"]))

    assert text.startswith("# how it was made\n")
    assert found.members == [{**member, "learning_rate": 0.0123}]
    assert (found.description, found.made, found.common) == ("ours", {"sets": 3}, {"kernel": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("- 1\n", "expected keys with values"),
        ("portfolio: 1\nmembers: []\n", "members"),
        ("portfolio: 2\nmembers: [{layers: 2}]\n", "portfolio: found 2, expected 1"),
        ("members: [{layers: 2}]\n", "portfolio"),
        ("portfolio: 1\nmembers: [{layers: 2}]\nrun: me\n", "run"),
        ("portfolio: 1\nmembers: [3]\n", "members.0"),
        ("portfolio: 1\nmembers: [{layers: {a: 1}}]\n", "members.0.layers: found keys with values"),
        ("portfolio: 1\nmembers: [{layers: [[1]]}]\n", "members.0.layers"),
        ("portfolio: 1\nmembers: [{rate: .nan}]\n", "members.0.rate"),
        ("portfolio: 1\nmembers: [{'a b': 1}]\n", "'a b' cannot name a parameter"),
        ("portfolio: 1\nmembers: [{name: 3}]\n", "members.0.name: found 3, expected a text"),
        ("portfolio: 1\nmembers: [{layers: !!python/object:os.system 1}]\n", "is not accepted"),
        ("portfolio: 1\nmembers: [{weights: '${HOME}'}]\n", "the environment has no HOME"),
        ("portfolio: 1\nmembers: [{layers: " + "x" * 300 + "}]\n", "members.0.layers"),
        ("portfolio: 1\nmembers: " + "[{a: 1}, " * 40 + "\n", "team.yaml"),
    ],
)
def test_a_file_from_a_stranger_is_refused_in_one_line_with_its_place(read, text, said):
    with pytest.raises(SpecError) as caught:
        read(text)

    assert said in str(caught.value)
    assert "team.yaml" in caught.value.where
    assert "\n" not in str(caught.value)


def test_without_a_shipped_one_the_word_is_refused():
    if not is_shipped():
        with pytest.raises(SpecError, match="no portfolio comes with this sweeper"):
            read_portfolio("portfolio")
    else:
        assert len(read_portfolio("portfolio").members) >= 8
