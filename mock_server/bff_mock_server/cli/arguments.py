"""Reads the values of options; `argparse` reports what they raise."""

import argparse
import re
from typing import Final

from bff_contracts.options import above_zero

SPEED: Final = above_zero(10_000)
"""How many times as fast as the clock."""


def port(text: str) -> int:
    """A port; 0 takes a free one."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else -1  # noqa: PLR2004
    if not 0 <= number <= 65535:  # noqa: PLR2004
        message = f"a port is 0 to 65535, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return number


def size(text: str) -> int:
    """A number of bytes."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0  # noqa: PLR2004
    if number == 0:
        message = f"a size is a whole number of bytes, at least 1, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return number


def proxied_url(text: str) -> str:
    """The URL in `proxy=URL`."""
    how, _, url = text.partition("=")
    if how != "proxy" or not url:
        message = f"expected proxy=URL, such as proxy=http://127.0.0.1:4003, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return url


def key(text: str) -> str:
    """A key that is not empty."""
    if not text.strip():
        message = "the key is empty"
        raise argparse.ArgumentTypeError(message)
    return text


def pattern(text: str) -> "re.Pattern[str]":
    """A regular expression."""
    try:
        return re.compile(text)
    except re.error as error:
        message = f"not a regular expression: {error}"
        raise argparse.ArgumentTypeError(message) from error
