"""Text of others is made fit for a terminal, and is otherwise left as it is."""

import json

import pytest

from bff_contracts.terminal import described, plain, plain_json, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("Svenska 1 – SA24B\n\tå", "Svenska 1 – SA24B\n\tå", id="text"),
        pytest.param("\x1b]0;pwned\x07\x1b[2J", r"\x1b]0;pwned\x07\x1b[2J", id="escape-sequences"),
        pytest.param("\x9b31m\x00\b\r\x7f", r"\x9b31m\x00\x08\r\x7f", id="controls"),
        pytest.param("\u202egnp.exe\u2069", r"\u202egnp.exe\u2069", id="direction"),
        pytest.param("a\ufeff\u200bb\u00a0c", r"a\ufeff\u200bb\xa0c", id="unseen"),
        pytest.param("\ud800\U000e0001", r"\ud800\U000e0001", id="no-characters"),
    ],
)
def test_what_is_not_printable_is_spelled_out(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_json_document_keeps_its_values() -> None:
    value = {"a\x9b": "b\u202e\U000e0001c\x7f – å"}
    document = plain_json(json.dumps(value, ensure_ascii=False, indent=1))

    assert json.loads(document) == value
    assert document.replace("\n", "").isprintable()


def test_what_is_too_long_is_cut_and_blanks_are_kept() -> None:
    assert shortened("a  b\n\tc", 7) == r"a  b\n\tc"
    assert shortened("x" * 9, 3) == "xxx …"


class _MuteError(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        pytest.param(KeyError("id"), "KeyError: 'id'", id="message"),
        pytest.param(NotImplementedError(), "NotImplementedError", id="none"),
        pytest.param(_MuteError(), "_MuteError: (its message cannot be read: ValueError)", id="unreadable"),
    ],
)
def test_an_exception_is_described_by_type_and_message(error: Exception, text: str) -> None:
    assert described(error) == text
