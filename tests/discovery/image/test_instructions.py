"""The syntax of Dockerfiles: lines, continuations, heredocs, flags and forms, as BuildKit's parser reads them."""

import pytest

from tasks.discovery.image.instructions import read_instructions

Read = list[tuple[int, str, str]]


def shown(text: str) -> Read:
    """Line, word and rest of each instruction, with single spaces."""
    return [(each.line, each.word, " ".join(each.rest.split())) for each in read_instructions(text)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        pytest.param(
            "from a\r\n\r\nRun x\r\n", [(1, "FROM", "a"), (3, "RUN", "x")], id="small letters, other line ends"
        ),
        pytest.param("\ufeffFROM a", [(1, "FROM", "a")], id="byte order mark"),
        pytest.param("RUN\tx\ty", [(1, "RUN", "x y")], id="tabs"),
        pytest.param("RUN a \\\n\n  # why\n  b\nUSER c", [(1, "RUN", "a b"), (5, "USER", "c")], id="continued"),
        pytest.param("# why \\\nRUN a", [(2, "RUN", "a")], id="a comment is not continued"),
        pytest.param("RUN a \\\n# why \\\n  b\nUSER c", [(1, "RUN", "a b"), (4, "USER", "c")], id="comment between"),
        pytest.param("RUN pip\\\n3", [(1, "RUN", "pip3")], id="joined without a space"),
        pytest.param("RUN a \\ \t\n b", [(1, "RUN", "a b")], id="space after the escape character"),
        pytest.param("RUN a \\\\\nUSER b", [(1, "RUN", "a \\\\"), (2, "USER", "b")], id="a doubled escape character"),
        pytest.param("RUN a \\", [(1, "RUN", "a")], id="continued at the end"),
        pytest.param(
            "# escape=`\nRUN a `\n b\nRUN c:\\\nUSER d",
            [(2, "RUN", "a b"), (4, "RUN", "c:\\"), (5, "USER", "d")],
            id="escape",
        ),
        pytest.param("#syntax=x\n# Escape = `\nRUN a `\n b", [(3, "RUN", "a b")], id="escape after another directive"),
        pytest.param("\n# escape=`\nRUN a \\\n b", [(3, "RUN", "a b")], id="a directive too late"),
        pytest.param("FROM\nCMD", [(1, "FROM", ""), (2, "CMD", "")], id="without arguments"),
        pytest.param("# only\n\n", [], id="no instruction"),
    ],
)
def test_instructions_and_their_lines(text: str, read: Read) -> None:
    assert shown(text) == read


@pytest.mark.parametrize(
    ("text", "heredocs"),
    [
        pytest.param("RUN <<EOF\nCMD a\nEOF", ("CMD a",), id="plain"),
        pytest.param("RUN <<'E-O.F'\nx\nE-O.F", ("x",), id="single quotes"),
        pytest.param('RUN <<"EOF" cat\n\\\nEOF', ("\\",), id="double quotes"),
        pytest.param('RUN <<E"O"F\nx\nEOF', ("x",), id="quotes within"),
        pytest.param("RUN <<EOF\n EOF\n\tEOF\nEOF", (" EOF\n\tEOF",), id="an indented end is none"),
        pytest.param("RUN <<-EOF\n\tx\n EOF\n\t\tEOF", ("\tx\n EOF",), id="tabs before the end"),
        pytest.param("RUN cat <<A 3<<B >x\n1\nB\nA\n2\nB", ("1\nB", "2"), id="several"),
        pytest.param("COPY <<A <<B /d/\n1\nA\nB", ("1", ""), id="COPY"),
        pytest.param("ADD --chmod=755 <<A /x\n# 1\nA", ("# 1",), id="ADD"),
        pytest.param("ONBUILD RUN <<A\nCMD x\nA", ("CMD x",), id="ONBUILD"),
        pytest.param("RUN a && \\\n  cat <<A\nx\nA", ("x",), id="continued"),
        pytest.param("RUN <<A\r\nx\r\nA", ("x",), id="other line ends"),
    ],
)
def test_heredocs_are_part_of_their_instruction(text: str, heredocs: tuple[str, ...]) -> None:
    first, *others = read_instructions(f"{text}\nUSER x\n")

    assert first.heredocs == heredocs
    assert [each.word for each in others] == ["USER"]


@pytest.mark.parametrize(
    "run",
    [
        "RUN cat<<A",
        "RUN echo '<<A'",
        'RUN echo " <<A "',
        "RUN cat <<<A",
        "RUN echo $((1 << A))",
        'RUN ["<<A"]',
        "CMD <<A",
    ],
)
def test_text_that_only_looks_like_a_heredoc(run: str) -> None:
    assert shown(f"{run}\nUSER x\nA") == [(1, run[:3], run[4:]), (2, "USER", "x"), (3, "A", "")]


def test_an_open_heredoc_takes_the_rest_of_a_broken_dockerfile() -> None:
    read = read_instructions("FROM\nRUN <<A <<B\n1\nA\n2\nB\nCOPY <<C /x\n\\")

    assert [(each.line, each.word, each.body) for each in read] == [
        (1, "FROM", ""),
        (2, "RUN", "1\n2"),
        (7, "COPY", "\\"),
    ]


@pytest.mark.parametrize(
    ("rest", "flags", "bare"),
    [
        ("x --y", (), "x --y"),
        ("--from=a  x y", ("--from=a",), "x y"),
        ("--mount=type=cache,target=/c --network=none x", ("--mount=type=cache,target=/c", "--network=none"), "x"),
        ('--mount="type=secret, id=a" x', ('--mount="type=secret, id=a"',), "x"),
        ("--link", ("--link",), ""),
    ],
)
def test_flags_come_first(rest: str, flags: tuple[str, ...], bare: str) -> None:
    (read,) = read_instructions(f"COPY {rest}")

    assert (read.flags, read.bare) == (flags, bare)


@pytest.mark.parametrize(
    ("rest", "argv", "words"),
    [
        ('["a", "b c"]', ("a", "b c"), ("a", "b c")),
        ('--link ["a b", "/x"]', ("a b", "/x"), ("a b", "/x")),
        ("[]", (), ()),
        ("a  b", None, ("a", "b")),
        ("['a']", None, ("['a']",)),
        ('["a", 1]', None, ('["a",', "1]")),
        ("[" * 100_000, None, ("[" * 100_000,)),
    ],
)
def test_the_json_form_is_a_list_of_strings(rest: str, argv: tuple[str, ...] | None, words: tuple[str, ...]) -> None:
    (read,) = read_instructions(f"COPY {rest}")

    assert (read.argv, read.words) == (argv, words)
