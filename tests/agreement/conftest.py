"""Fixtures of the searches for disagreement."""

import logging
from collections.abc import Generator

import pytest


@pytest.fixture(autouse=True)
def _quiet_clients() -> Generator[None]:
    """A search makes thousands of violations, each of which the clients would log."""
    logger = logging.getLogger("bff_clients")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)
