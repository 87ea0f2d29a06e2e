"""Known keys are found in each form that they are sent in, to the last character, and nothing else is."""

import pytest

from bff_mock_server.answering.secrets import KnownKeys, without_secret_members
from tests.support.secret_forms import FORMS, KEY, base64


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_key_is_found_in_each_form_and_nothing_is_left_of_it(form: str) -> None:
    keys = KnownKeys([KEY])

    assert keys.are_in(f"<{form}>")
    assert keys.cut_out(f"<{form}>") == "<…>"


@pytest.mark.parametrize("key", ["abcde", "abcdef", "abcdefg", "~~~???>>>", "~~~???>>>>", "~~~???>>>>>"])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_of_base64_what_is_before_a_key_stays(before: int, key: str) -> None:
    sent = base64("u:"[:before] + key + "rest")

    shown = KnownKeys([key]).cut_out(sent)

    # Six characters are the fewest that are taken for a key.
    is_long_enough = (len(key) * 8 - (0, 4, 2)[before]) // 6 >= 6
    assert shown == (sent[: (0, 2, 3)[before]] + "…" if is_long_enough else sent)


def test_base64_of_something_else_stays() -> None:
    keys = KnownKeys(["abcde", "~~~???>>>"])

    assert keys.cut_out(base64("abcdx")) == base64("abcdx")
    assert not keys.are_in(base64("~~~???x"))


@pytest.mark.parametrize("spelled", ["schlüssel", "schlüssel".encode().decode("latin-1"), "SCHLÜSSEL"])
def test_a_key_outside_ascii_is_found_as_text_and_as_bytes(spelled: str) -> None:
    assert KnownKeys(["schlüssel"]).are_in(spelled)
    assert KnownKeys(["schlüssel"]).cut_out(f"<{spelled}>") == "<…>"


def test_of_keys_of_which_one_begins_another_the_longer_is_cut_out() -> None:
    assert KnownKeys(["abcd", "abcdefgh"]).cut_out("<abcdefgh>") == "<…>"


def test_the_longest_form_is_that_of_the_longest_key() -> None:
    assert KnownKeys(["zzzz", "abcdefgh"]).longest == KnownKeys(["abcdefgh"]).longest > KnownKeys(["zzzz"]).longest


@pytest.mark.parametrize("text", ["abc", "/internal/v1?limit=20", "a%62c", "\\u0061"])
def test_a_text_without_keys_has_none(text: str) -> None:
    assert not KnownKeys(["abcd"]).are_in(text)
    assert KnownKeys(["abcd"]).cut_out(text) == text


@pytest.mark.parametrize("text", ["\\u0061bcd", "%61bcd", "a\\u0062cd"])
def test_a_key_with_an_escape_is_seen(text: str) -> None:
    assert KnownKeys(["abcd"]).are_in(text)


def test_a_key_of_four_characters_is_long_enough() -> None:
    known = KnownKeys.of(["abc", "abcd"])

    assert known is not None
    assert known.cut_out("abc abcd") == "abc …"
    assert KnownKeys.of(["abc"]) is None


def test_a_backslash_before_a_key_is_not_of_it() -> None:
    assert KnownKeys(["Xabc"]).cut_out("\\Xabc") == "\\…"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param('{"tokens": ["a"], "limit": 1}', '{"tokens": …, "limit": 1}', id="list"),
        pytest.param('{"token": {"a": "b"}, "limit": 1}', '{"token": …, "limit": 1}', id="object"),
        pytest.param('{"tokens": [{"a": ["]"]}, []], "limit": [1]}', '{"tokens": …, "limit": [1]}', id="nested"),
        pytest.param('{"tokens": [], "pins": [1], "keys": {}}', '{"tokens": …, "pins": [1], "keys": …}', id="several"),
        pytest.param('{"tokens": [{"token": ["a"]}], "a": 1}', '{"tokens": …, "a": 1}', id="one-in-another"),
        pytest.param('{"tokens": [["a"], ', '{"tokens": …', id="breaks-off"),
        pytest.param('"token": {"a": "b"}, "limit": 1', '"token": …, "limit": 1', id="begins-inside"),
        pytest.param('{"pin": 12, "limit": 1}', '{"pin": …, "limit": 1}', id="number"),
        pytest.param('{"pin": "a\\"b", "limit": 1}', '{"pin": …, "limit": 1}', id="escaped-quote"),
        pytest.param("pin=1&limit=2;sid=3", "pin=…&limit=2;sid=…", id="form"),
        pytest.param("p%69n=1&limit%3D=2", "p%69n=…&limit%3D=2", id="escaped-name"),
        pytest.param("pin: 1\nlimit: 2\n", "pin: …\nlimit: 2\n", id="lines"),
        pytest.param("<pin>1</pin><limit>2</limit>", "<pin>…</pin><limit>2</limit>", id="elements"),
    ],
)
def test_the_value_of_a_secret_name_is_cut_out_and_no_more(body: str, shown: str) -> None:
    assert without_secret_members(body) == shown
