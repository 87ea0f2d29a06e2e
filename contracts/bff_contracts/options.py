"""Options that both commands have: `--version`, and numbers above 0."""

import argparse
from collections.abc import Callable

from bff_contracts.platform import DISTRIBUTION


class ShowVersion(argparse.Action):
    """Looks the version up on demand, so that it does not delay the start of a command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        from importlib.metadata import version  # noqa: PLC0415  # see above

        print(f"{parser.prog} {version(DISTRIBUTION)}")  # noqa: T201
        parser.exit()


def above_zero(most: float) -> Callable[[str], float]:
    """The `type` of an option whose value is more than 0 and at most this."""

    def number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0.0 < value <= most:
            message = f"must be more than 0 and at most {most:g}, not {text!r}"
            raise argparse.ArgumentTypeError(message)
        return value

    return number
