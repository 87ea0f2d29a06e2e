"""Paths find their endpoints among any number of patterns."""

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bff_contracts.pact.text_rules import Check
from bff_mock_server.matching import paths
from bff_mock_server.matching.paths import PathIndex, _top_level, anchors  # pyright: ignore[reportPrivateUsage]


@dataclass(frozen=True)
class Thing:
    path: Check


def pattern(text: str) -> Thing:
    return Thing(Check("regex", text, re.compile(text).fullmatch, text))


def literal(text: str) -> Thing:
    return Thing(Check("equality", text, text.__eq__))


@pytest.mark.parametrize(
    ("regex", "begin", "end"),
    [
        pytest.param("^/batches/[0-9]+/status$", "/batches/", "/status", id="both"),
        pytest.param("/batches/[0-9]+", "/batches/", "", id="without-anchors"),
        pytest.param("^/a/b?/c$", "/a/", "/c", id="optional-letter"),
        pytest.param("^/ab*$", "/a", "", id="repeated-letter"),
        pytest.param("^/ab{2}/c$", "/a", "/c", id="counted-letter"),
        pytest.param("^/ab+/c$", "/ab", "/c", id="letter-once-or-more"),
        pytest.param("^/a|/b$", "", "", id="alternatives"),
        pytest.param("^/(?:a|b)/c$", "/", "/c", id="alternatives-in-a-group"),
        pytest.param("^/[^]|(]/c|/d$", "", "", id="brackets-in-a-class"),
        pytest.param("^/[a|b]/c$", "/", "/c", id="bar-in-a-class"),
        pytest.param(r"^/x\d$", "/x", "", id="class-by-backslash"),
        pytest.param(r"^/x\x2fy$", "/x", "", id="escaped-character"),
        pytest.param(r"^/a\|b/c$", "/a", "b/c", id="escaped-bar"),
        pytest.param("(?i)^/a/[a-z]+/c$", "", "", id="any-case"),
        pytest.param("(?x)^/a /c$", "", "", id="verbose"),
        pytest.param("^/same$", "/same", "/same", id="nothing-but-text"),
        pytest.param(".*/c", "", "/c", id="anything-first"),
        pytest.param("a?/c", "", "/c", id="optional-first-letter"),
        pytest.param("[ab]/c", "", "/c", id="class-first"),
    ],
)
def test_anchors_are_the_plain_text_at_both_ends(regex: str, begin: str, end: str) -> None:
    assert anchors(pattern(regex).path) == (begin, end)


@pytest.mark.parametrize(
    ("regex", "kept"),
    [
        pytest.param("|a", "|a", id="plain"),
        pytest.param(r"\|a", "a", id="escaped"),
        pytest.param(r"a\\|b", "a|b", id="escaped-backslash"),
        pytest.param("a(b|c)d", "ad", id="group"),
        pytest.param("a(b(c)d)e", "ae", id="group-in-a-group"),
        pytest.param("(a)(b)c", "c", id="groups-side-by-side"),
        pytest.param("a[b]c|d", "ac|d", id="class"),
        pytest.param("a[b(c]d", "ad", id="bracket-in-a-class"),
        pytest.param("a[]b]c", "ac", id="class-that-begins-with-its-end"),
        pytest.param("a[^]b]c", "ac", id="class-of-all-but-its-end"),
    ],
)
def test_the_contents_of_groups_and_classes_are_left_out(regex: str, kept: str) -> None:
    assert _top_level(regex) == kept


@pytest.mark.parametrize(
    ("first", "found"),
    [
        pytest.param("^/a/[a-z]$", [0, 1, 2], id="three"),
        pytest.param("^/a/[x-z]$", [1, 2], id="two"),
    ],
)
def test_patterns_come_in_the_order_of_the_file(first: str, found: list[int]) -> None:
    things = [pattern(first), pattern("^/[a-z]/b$"), pattern("^/a/[b-z]$")]

    assert [things.index(thing) for thing in PathIndex(things).at("/a/b")] == found


def test_a_path_may_be_no_longer_than_what_it_ends_with() -> None:
    assert len(PathIndex([pattern(".*/c")]).at("/c")) == 1


def test_other_rules_have_no_anchors() -> None:
    assert anchors(Check("type", "any text", bool)) == ("", "")


@given(
    st.lists(
        st.sampled_from(
            [
                r"^/a/\d+$",
                r"/a/.*",
                "^/a/[bc]/d$",
                "^/(?:a|b)/c$",
                "^/a?/c$",
                "^/a|/b/c$",
                r"^/a\d/c",
                "(?i)/A/C",
                "/a/c",
            ]
        ),
        unique=True,
    ),
    st.from_regex(r"(/[abcd1]{0,2}){0,3}", fullmatch=True),
)
def test_it_finds_what_trying_each_pattern_would_find(regexes: list[str], path: str) -> None:
    things = [pattern(regex) for regex in regexes] + [literal("/a/1"), literal("/b/c")]
    tried = [thing for thing in things if thing.path.accepts(path)]

    found = PathIndex(things).at(path)

    assert sorted(found, key=things.index) == tried
    assert [thing for thing in found if not thing.path.is_literal] == [x for x in tried if not x.path.is_literal]


def test_what_spells_a_path_out_comes_before_a_pattern() -> None:
    index = PathIndex([pattern("^/a/[a-z]$"), literal("/a/b")])

    assert [thing.path.rule for thing in index.at("/a/b")] == ["equality", "regex"]


def test_only_so_many_paths_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_REMEMBERED", 3)
    index = PathIndex([pattern("^/a/[0-9]+$"), literal("/b")])

    found = [len(index.at(f"/a/{number}")) for number in range(10)]

    assert (found, len(index.at("/b")), len(index.remembered)) == ([1] * 10, 1, 3)


def test_a_long_path_is_not_remembered() -> None:
    index = PathIndex([pattern("^/a/.*$")])

    assert len(index.at("/a/" + "x" * 500)) == 1
    assert index.remembered == {}


def test_hundreds_of_patterns_are_distinguished_without_trying_each() -> None:
    tried: list[str] = []

    def thing(name: str) -> Thing:
        def accepts(path: str) -> bool:
            tried.append(name)
            return path.startswith(f"/{name}/")

        return Thing(Check("regex", name, accepts, f"^/{name}/[0-9]+$"))

    index = PathIndex([thing(f"n{number}") for number in range(300)])

    assert len(index.at("/n17/5")) == 1
    assert tried == ["n17"]
