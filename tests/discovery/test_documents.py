"""Documents as people write them: comments, trailing commas, and mistakes."""

from collections.abc import Callable

import pytest

from tasks.discovery.documents import BrokenDocumentError, parse_dotenv, parse_json, parse_toml, parse_yaml, yaml_line


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param('{"a": 1}', {"a": 1}, id="plain"),
        pytest.param('{"a": 1, // why\n "b": [1, 2,],\n}', {"a": 1, "b": [1, 2]}, id="line comment, trailing commas"),
        pytest.param('{/* "a": 1, */ "b": 2 /* } */}', {"b": 2}, id="block comments"),
        pytest.param('{"a": "// no /* comment */, }"}', {"a": "// no /* comment */, }"}, id="marks in a string"),
        pytest.param('{"a": "say \\"hi\\" // x",}', {"a": 'say "hi" // x'}, id="escaped quotes"),
        pytest.param('{"a": "http://x.example/*"}', {"a": "http://x.example/*"}, id="address"),
        pytest.param('{"a": 1, // { "b": 2 }\n "c": 3}', {"a": 1, "c": 3}, id="comma before a comment with a brace"),
        pytest.param('{"a": [1, /* last */ // really\n ]}', {"a": [1]}, id="comments before the bracket"),
        pytest.param('\ufeff{"a": 1}', {"a": 1}, id="byte order mark"),
    ],
)
def test_json_with_comments(text: str, value: object) -> None:
    assert parse_json(text) == value


@pytest.mark.parametrize("text", ['{"a": }', "[1]", '{"a": 1', '{"a": "x', "{'a': 1}", "[" * 100_000, "null"])
def test_broken_json_raises(text: str) -> None:
    with pytest.raises(BrokenDocumentError):
        parse_json(text)


def test_an_error_has_its_place_in_the_file() -> None:
    with pytest.raises(BrokenDocumentError, match="line 3 column 3"):
        parse_json("{ // one\n /* two */\n  oops }")


def test_broken_toml_and_yaml_raise() -> None:
    with pytest.raises(BrokenDocumentError, match="Invalid value"):
        parse_toml("a = ")
    with pytest.raises(BrokenDocumentError):
        parse_yaml("a: [")
    with pytest.raises(BrokenDocumentError, match="not an object"):
        parse_yaml("- a")


def test_an_empty_yaml_document_is_empty() -> None:
    assert parse_yaml("# only a comment\n") == {}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("A=1\nexport B = two words \nC='x # y' # z\nD=a=b\n", {"A": "1", "B": "two words", "C": "x # y", "D": "a=b"}),
        ('#E=1\nF\n1G=1\nH=""\nI=', {"H": "", "I": ""}),
        ("A=1\r\nA=2 # the last wins\r\n", {"A": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("A=${B}\nB=$A", {"A": "${B}", "B": "$A"}),
        ('A="x\ny"\nB="\\n"\nC=\'\\n\'', {"A": "x\ny", "B": "\n", "C": "\\n"}),
        ("A='x\nB=1\n= 2\n\n  C=3", {"B": "1", "C": "3"}),
        ("", {}),
    ],
)
def test_dotenv_in_all_its_forms(text: str, values: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert parse_dotenv(text) == values
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_yaml, "[" * 50_000),
        (parse_yaml, "{a: " * 50_000),
        (parse_yaml, "- " * 50_000 + "x"),
        (parse_yaml, "\n".join(" " * number + "a:" for number in range(1500))),
        (parse_json, "[" * 100_000),
        (parse_toml, "a = " + "[" * 50_000),
        (parse_toml, "a = " + "9" * 50_000),
    ],
)
def test_document_that_would_end_the_process_is_broken(parse: Callable[[str], object], text: str) -> None:
    with pytest.raises(BrokenDocumentError):
        parse(text)
    assert yaml_line(text, "a") == 0


def test_brackets_in_texts_are_no_depth() -> None:
    assert parse_yaml(f'a: "{"[" * 5000}"\nb: {" " * 300}c\n') == {"a": "[" * 5000, "b": "c"}
