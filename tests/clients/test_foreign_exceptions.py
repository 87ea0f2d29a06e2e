"""What a transport raises becomes a failure of ours, with a cause that holds neither request nor answer."""

import traceback
from typing import Any

import httpx
import pytest

from bff_clients import BackendError, BackendUnavailable, RASClient
from bff_clients._bodies import DecodingError, TooLargeError
from bff_clients._http import NotAnswered, fault_of
from bff_clients._loops import OtherLoopError
from tests.clients.calling import settings_for
from tests.support.golden import Golden
from tests.support.platform import TEACHER

pytestmark = pytest.mark.usefixtures("nothing_logged_holds_the_key")


class TheirError(httpx.ReadError):
    """An exception of an application's own transport, whose constructor may take other arguments."""


def chained(error: BaseException, *causes: BaseException) -> BaseException:
    """The error, caused by the first of the causes, and that by the next."""
    for cause, of_it in zip((error, *causes), causes, strict=False):
        cause.__cause__ = of_it
    return error


def in_context(error: BaseException, context: BaseException) -> BaseException:
    error.__context__ = context
    return error


ERRORS = {
    "other-loop": OtherLoopError(),
    "too-large": TooLargeError(),
    "decoding": DecodingError("cut off"),
    "decoding-of-httpx": httpx.DecodingError("quotes the body"),
    "timeout": httpx.ReadTimeout("quotes the URL"),
    "pool-timeout": httpx.PoolTimeout("no connection became free in time"),
    "python-timeout": TimeoutError(),
    "connect-with-its-cause": chained(httpx.ConnectError("Connection refused"), OSError(111, "refused")),
    "connect-with-a-path": chained(httpx.ConnectError("cannot connect to /run/secret.sock"), OSError("no such file")),
    "connect-without-a-cause": httpx.ConnectError("written by somebody else"),
    "another-kind-with-its-cause": chained(httpx.ReadError("quotes the answer"), OSError(104, "reset")),
    "proxy": httpx.ProxyError("quotes the URL"),
    "unsupported-protocol": httpx.UnsupportedProtocol("ftp"),
    "os": ConnectionResetError(104, "reset"),
    "context": in_context(httpx.ReadError("read"), ConnectionResetError()),
    "cause-before-context": in_context(chained(httpx.ReadError("read"), OSError()), KeyError("later")),
    "context-of-a-cause": chained(httpx.ReadError("read"), in_context(OSError(), EOFError())),
    "many-causes": chained(httpx.ReadError("read"), *(kind() for kind in [OSError, EOFError] * 4)),
    "kind-of-another-module": chained(TheirError("theirs"), OSError()),
    "group": BaseExceptionGroup("several", [ExceptionGroup("inner", [httpx.ReadError("first")]), KeyError("second")]),
    "local-protocol": httpx.LocalProtocolError("quotes the key"),
}


def shown(fault: NotAnswered) -> str:
    return f"{fault.trouble}: {fault.detail}; cause: {fault.cause!r}"


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS)
def test_what_a_transport_raises_is_mapped_without_what_it_quotes(error: BaseException, golden: Golden) -> None:
    text = shown(fault_of(error, closed=False))

    assert "quotes" not in text
    golden.check(text)


@pytest.mark.parametrize("error", [httpx.ReadError("read"), TooLargeError(), KeyError("key")])
def test_whatever_is_raised_after_the_client_was_closed_is_that(error: Exception, golden: Golden) -> None:
    golden.check(shown(fault_of(error, closed=True)))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "name"),
    [
        pytest.param(RuntimeError(TEACHER), "RuntimeError", id="runtime"),
        pytest.param(KeyError(TEACHER), "KeyError", id="key"),
        pytest.param(AssertionError(TEACHER), "AssertionError", id="assertion"),
        pytest.param(ExceptionGroup("several", [RuntimeError(TEACHER), ValueError()]), "RuntimeError", id="group"),
        pytest.param(httpx.InvalidURL(TEACHER), "InvalidURL", id="url"),
        pytest.param(UnicodeError(TEACHER), "UnicodeError", id="unicode"),
        pytest.param(StopAsyncIteration(), "StopAsyncIteration", id="stop"),
        pytest.param(httpx.LocalProtocolError(TEACHER), "LocalProtocolError", id="a-request-that-cannot-be-sent"),
    ],
)
async def test_an_unexpected_exception_is_in_the_tree_and_is_no_evidence_against_the_backend(
    error: Exception, name: str
) -> None:
    def mistaken(_: httpx.Request) -> httpx.Response:
        raise error

    settings = settings_for("http://ras.test", http_breaker_min_calls=1)
    async with httpx.AsyncClient(transport=httpx.MockTransport(mistaken)) as http:
        client = RASClient(http, settings)
        with pytest.raises(BackendUnavailable) as caught:
            await client.get_batches_for_user(TEACHER)

    assert (caught.value.reason, client.breaker_state) == ("unexpected", "closed")
    line = mistaken.__code__.co_firstlineno + 1
    place = (
        "" if isinstance(error, ExceptionGroup) else f" at test_foreign_exceptions.py:{line}"
    )  # its members were never raised
    assert caught.value.detail == f"unexpected {name}{place}"
    assert TEACHER not in "".join(traceback.format_exception(caught.value))


@pytest.mark.anyio
@pytest.mark.parametrize("status", ["404", None, 404.5])
async def test_a_status_that_is_no_number_is_an_unexpected_exception(status: Any) -> None:
    closed: list[bool] = []

    class Body(httpx.ByteStream):
        async def aclose(self) -> None:
            closed.append(True)

    def odd(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Body(b"{}"))

    async with httpx.AsyncClient(transport=httpx.MockTransport(odd)) as http:
        with pytest.raises(BackendUnavailable) as caught:
            await RASClient(http, settings_for("http://ras.test")).get_batches_for_user(TEACHER)

    assert caught.value.reason == "unexpected"
    assert closed


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "reason", "caused"),
    [
        pytest.param(ConnectionResetError("reset"), "disconnect", ConnectionResetError, id="reset"),
        pytest.param(TimeoutError("late"), "timeout", TimeoutError, id="late"),
        pytest.param(
            ExceptionGroup("", [ExceptionGroup("", [httpx.ConnectError("no")])]),
            "connect",
            httpx.ConnectError,
            id="group",
        ),
        pytest.param(httpx.DecodingError("no"), None, type(None), id="decoding"),
    ],
)
async def test_what_a_transport_raises_is_what_it_is_also_when_it_is_not_httpxs(
    error: Exception, reason: str | None, caused: type[Exception]
) -> None:
    def fails(_: httpx.Request) -> httpx.Response:
        raise error

    settings = settings_for("http://ras.test", http_retries=0)
    async with httpx.AsyncClient(transport=httpx.MockTransport(fails)) as http:
        with pytest.raises(BackendError) as caught:
            await RASClient(http, settings).get_batches_for_user(TEACHER)

    assert (getattr(caught.value, "reason", None), type(caught.value.__cause__)) == (reason, caused)
