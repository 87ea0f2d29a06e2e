"""A provider for each test to break."""

import pytest

from tests.providers.small import SmallCms


@pytest.fixture
def cms() -> SmallCms:
    return SmallCms()
