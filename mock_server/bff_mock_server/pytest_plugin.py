"""Fixtures for tests of code that uses RAS and CMS.

pytest loads this module in every environment that has the package, so it imports only pytest and the standard library
until a fixture is used.
"""

import os
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from bff_mock_server.testing import Backends


def _needs_extra(name: str = "testing") -> AbstractContextManager[None]:
    """Fail with an install hint if an extra is missing: the plugin loads without it, its fixtures need it."""
    from bff_contracts.platform import needs_extras  # noqa: PLC0415  # coverage sees what is imported later

    return needs_extras(name, error=partial(pytest.fail.Exception, pytrace=False))


_RUNNING = pytest.StashKey["list[Backends]"]()
"""The mocked backends of a test."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test whose backends are not at the URLs that the BFF uses, even if the test itself passed."""
    __tracebackhide__ = True
    try:
        result = yield
    except (Exception, pytest.fail.Exception) as error:
        if unanswered := _texts(item, "unanswered"):
            raise pytest.fail.Exception(unanswered) from error
        raise
    if unanswered := _texts(item, "unanswered"):
        raise pytest.fail.Exception(unanswered, pytrace=False)
    return result


def _texts(item: pytest.Item, method: Literal["explain", "unanswered"]) -> str:
    """The texts of the mocked backends of a test, each once."""
    texts: list[str] = [getattr(backends, method)() for backends in item.stash.get(_RUNNING, list["Backends"]())]
    return "\n".join(dict.fromkeys(filter(None, texts)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the refused requests, and those that missed the backends, to the report of a failed test or fixture."""
    report = yield
    if report.failed and (text := _texts(item, "explain")):
        report.sections.append(("Mocked backends", text))
    return report


@pytest.fixture(scope="session")
def bff_backend_urls() -> Mapping[str, str]:
    """The base URLs by provider: those of the environment when the session began, else the clients' defaults.

    Override it where that does not fit: `{"ras": "http://…", "cms": "http://…"}`.
    """
    from bff_contracts.platform import PROVIDERS  # noqa: PLC0415

    return {
        provider.name: next(filter(None, map(os.environ.get, provider.url_variables)), provider.url)
        for provider in PROVIDERS
    }


@pytest.fixture(scope="session")
def bff_api_key() -> str | None:
    """A key that the mocks accept beside the contract's placeholder: that of the environment. Override it."""
    from bff_contracts.platform import KEY_VARIABLE  # noqa: PLC0415

    return os.environ.get(KEY_VARIABLE)


@pytest.fixture
def backends(
    request: pytest.FixtureRequest, bff_backend_urls: Mapping[str, str], bff_api_key: str | None
) -> "Generator[Backends]":
    """Mock RAS and CMS without a port: every httpx client that calls their base URLs is answered. It starts empty."""
    keys = _keys(bff_api_key)
    with ExitStack() as stack:
        with _needs_extra():
            from bff_mock_server.testing import in_process  # noqa: PLC0415

            running = stack.enter_context(in_process(urls=bff_backend_urls, keys=keys))
        yield _known(request, running)


@pytest.fixture
def mocked_pact(request: pytest.FixtureRequest, bff_api_key: str | None) -> "Generator[Callable[..., Backends]]":
    """Mock any pact file in a test: `mocked_pact("entitlements.json", base_url="http://entitlements")`."""
    keys = _keys(bff_api_key)
    with ExitStack() as stack:

        def mocked(*files: str | Path, base_url: str) -> "Backends":
            with _needs_extra():
                from bff_mock_server.testing import mocked_pact as answering  # noqa: PLC0415

                return _known(request, stack.enter_context(answering(*files, base_url=base_url, keys=keys)))

        yield mocked


@pytest.fixture
def backends_on_ports(request: pytest.FixtureRequest, bff_api_key: str | None) -> "Generator[Backends]":
    """Mock RAS and CMS on free ports, for what is not httpx or runs in another process. It starts empty."""
    with ExitStack() as stack:
        with _needs_extra("mock"):
            from bff_mock_server.testing import EMPTY, serve  # noqa: PLC0415

            running = stack.enter_context(serve(scenario=EMPTY, keys=_keys(bff_api_key)))
        yield _known(request, running)


def _keys(api_key: str | None) -> frozenset[str]:
    return frozenset({api_key} if api_key else ())


def _known(request: pytest.FixtureRequest, backends: "Backends") -> "Backends":
    request.node.stash.setdefault(_RUNNING, []).append(backends)
    return backends
