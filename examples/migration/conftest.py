"""What the tests of both folders share."""

import pytest


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
