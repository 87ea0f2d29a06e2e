"""A reader's desk: a folder with this project's commands, and the mock that `make mock` starts."""

from collections.abc import Generator
from pathlib import Path

import pytest

from bff_contracts.platform import CMS, RAS
from bff_mock_server.testing import DEFAULT_URLS
from tests.documents.blocks import BIN, Place
from tests.support.mock_process import RunningMock, running_mock


@pytest.fixture(scope="module")
def mock() -> Generator[RunningMock]:
    with running_mock() as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path) -> Place:
    """A folder in which nothing runs."""
    (tmp_path / ".venv").symlink_to(BIN.parent)
    return Place(tmp_path, urls={}, variables={})


@pytest.fixture
def beside_the_mock(desk: Place, mock: RunningMock) -> Place:
    """A folder, with the mock running as the pages say, on other ports."""
    urls = {DEFAULT_URLS[RAS]: mock.ras, DEFAULT_URLS[CMS]: mock.cms, "http://127.0.0.1:4100": mock.control}
    variables = {"BFF_TEACHER_SERVICE_RAS_BASE_URL": mock.ras, "BFF_TEACHER_SERVICE_CMS_BASE_URL": mock.cms}
    return Place(desk.folder, urls=urls, variables=variables)
