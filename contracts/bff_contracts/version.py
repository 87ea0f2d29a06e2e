"""The option `--version` of both commands."""

import argparse

from bff_contracts.platform import DISTRIBUTION


class ShowVersion(argparse.Action):
    """Looks the version up when it is asked for: starting a command need not wait for that."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the version and exit."""
        from importlib.metadata import version  # noqa: PLC0415  # see above

        print(f"{parser.prog} {version(DISTRIBUTION)}")  # noqa: T201
        parser.exit()
