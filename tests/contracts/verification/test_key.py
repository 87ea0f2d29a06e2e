"""The key and the log records and exceptions of a process that verifies a provider."""

import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable

import pytest

from bff_contracts.verification.key import Key
from tests.support.secret_forms import FORMS
from tests.support.secret_forms import KEY as WITH_ESCAPES

KEY = Key("real-4711-secret", "the one in api_key was sent")


def test_a_record_without_the_key_is_left_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with KEY.kept_out_of_logs(), caplog.at_level(logging.INFO):
        logging.getLogger("provider").info("%s - %d", "client", 200)

    (record,) = caplog.records
    assert (record.msg, record.args) == ("%s - %d", ("client", 200))


def test_the_key_is_taken_out_of_a_record(caplog: pytest.LogCaptureFixture) -> None:
    with KEY.kept_out_of_logs(), caplog.at_level(logging.INFO):
        logging.getLogger("provider").info("sent %s", KEY.value)

    (record,) = caplog.records
    assert record.getMessage() == "sent [the key]"
    assert KEY.value not in repr(vars(record))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_key_is_hidden_in_each_form(form: str) -> None:
    assert Key(WITH_ESCAPES, "").hidden(f"<{form}>") == "<[the key]>"


@pytest.mark.parametrize("before", ["", "k", "k:"], ids=len)
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_the_key_is_hidden_in_base64_of_a_longer_text(before: str, encode: Callable[[bytes], bytes]) -> None:
    shown = KEY.hidden(encode(f"{before}{KEY.value} of cms".encode()).decode())

    assert shown.endswith("[the key]")
    assert len(shown) - len("[the key]") <= 3


def test_an_exception_in_a_circle_of_causes_is_looked_through_once() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__context__ = second, first
    assert not KEY.hides(first)

    second.args = (KEY.value,)
    assert KEY.hides(first)


def test_a_long_chain_of_causes_is_looked_through_once() -> None:
    error = ValueError(KEY.value)
    for _ in range(2_000):
        following = ValueError("one more")
        following.__cause__ = following.__context__ = error
        error = following

    assert KEY.hides(error)


def test_the_members_of_a_group_are_looked_through() -> None:
    group = ExceptionGroup("several", [ValueError("one"), ExceptionGroup("more", [KeyError(KEY.value)])])

    assert KEY.hides(group)
