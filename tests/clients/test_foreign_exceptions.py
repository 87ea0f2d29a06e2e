"""What a transport raises becomes a failure of ours, with a cause that holds neither request nor answer."""

import httpx
import pytest

from bff_clients._bodies import DecodingError, TooLargeError
from bff_clients._http import NotAnswered, fault_of
from bff_clients._loops import OtherLoopError
from tests.support.golden import Golden


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
