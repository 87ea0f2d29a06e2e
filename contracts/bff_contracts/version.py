"""The option `--version` of both commands."""

import argparse

from bff_contracts.platform import DISTRIBUTION


class ShowVersion(argparse.Action):
    """Looks the version up on demand, so that it does not delay the start of a command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        from importlib.metadata import version  # noqa: PLC0415  # see above

        print(f"{parser.prog} {version(DISTRIBUTION)}")  # noqa: T201
        parser.exit()
