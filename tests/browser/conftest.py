"""Chromium, the mock with its control page, a BFF that is served on the mock, and the demo of both."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pydantic import SecretStr

from bff_clients import BackendSettings
from bff_contracts.platform import PLACEHOLDER_KEY
from bff_mock_server.serving.server import Listener, bind, running
from examples.bff.app import create_app
from tests.support.demo_process import RunningDemo, running_demo
from tests.support.mock_process import RunningMock, running_mock

CHROMIUM = Path("/usr/bin/chromium")
REFUSED = "the server responded with a status of 400"
"""What Chromium notes when the page shows why something was refused."""
FLAGS = [
    "--no-sandbox",  # CI runs as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def mock() -> Generator[RunningMock]:
    with running_mock() as running:
        yield running


@contextmanager
def visiting(
    browser: Browser, url: str, *, width: int = 1280, height: int = 900, dark: bool = False, failing: str = REFUSED
) -> Generator[Page]:
    """A page without external resources; console messages fail the test, unless they are about `failing`."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        permissions=["clipboard-read", "clipboard-write"],
        locale="en-GB",
        timezone_id="Europe/Stockholm",
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if failing not in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    requested: set[str] = set()
    page.on("request", lambda request: requested.add(request.url.split("/")[2]))
    page.goto(url)
    try:
        yield page
    finally:
        context.close()
    assert complaints == []
    assert requested == {url.split("/")[2]}


@contextmanager
def opened(browser: Browser, mock: RunningMock, *, width: int, height: int, dark: bool = False) -> Generator[Page]:
    """The control page, connected."""
    with visiting(browser, mock.control, width=width, height=height, dark=dark) as page:
        page.get_by_text("connected", exact=True).wait_for()
        yield page


@pytest.fixture
def page(browser: Browser, mock: RunningMock) -> Generator[Page]:
    with opened(browser, mock, width=1360, height=900) as page:
        yield page


@pytest.fixture
def dashboard(mock: RunningMock) -> Generator[str]:
    """The dashboard's URL of a BFF on a socket."""
    settings = BackendSettings(
        internal_api_key=SecretStr(PLACEHOLDER_KEY), ras_base_url=mock.ras, cms_base_url=mock.cms
    )
    listener = Listener(create_app(settings), bind("127.0.0.1", 0))
    with running([listener]):
        yield f"http://127.0.0.1:{listener.port}/bff/v1/teacher/dashboard"


@pytest.fixture
def demo() -> Generator[RunningDemo]:
    with running_demo() as running:
        yield running


@pytest.fixture
def board(browser: Browser, demo: RunningDemo) -> Generator[Page]:
    """The demo's page about the teacher whom the demo names."""
    with visiting(browser, demo.dashboard, failing="a status of 503") as page:
        page.locator("#rows > tr").first.wait_for()
        yield page
