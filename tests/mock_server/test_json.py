"""Strict JSON, and suggestions of names."""

import pytest

from bff_mock_server._json import dumps, loads
from bff_mock_server._suggest import meant
from tests.support.golden import Golden


def test_json_is_compact_and_swedish_stays_readable() -> None:
    assert dumps({"a": ["ö", None]}) == '{"a":["ö",null]}'


@pytest.mark.parametrize("text", ['{"a": [1.5, "\\u00f6", null]}', b'"\xc3\xb6"', "5"])
def test_json_of_which_an_answer_could_be_made_is_read(text: str | bytes) -> None:
    assert loads(dumps(loads(text))) == loads(text)


@pytest.mark.parametrize(
    "text",
    ["NaN", "[Infinity]", '{"a": -Infinity}', '"\\ud800"', '{"\\udfff": 1}', "{", "", "[1,]", b"\xff"],
)
def test_other_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_endless_json_is_rejected_as_too_large(golden: Golden) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        loads("[" * 100_000)

    golden.check(str(refused.value))


@pytest.mark.parametrize(
    ("name", "known", "message"),
    [
        pytest.param("rde", ["blue", "red", "reed"], "did you mean 'red'? known: 'blue', 'red', 'reed'", id="close"),
        pytest.param("x", ["blue", "red"], "known: 'blue', 'red'", id="far"),
        pytest.param("x", [], "known: none", id="none"),
    ],
)
def test_an_unknown_name_is_reported_with_the_known_ones(name: str, known: list[str], message: str) -> None:
    assert meant(name, iter(known)) == message
