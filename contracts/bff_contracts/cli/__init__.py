"""The command `bff-contracts`: a module for each of its commands, and `command`, which reads the command line."""

from bff_contracts.cli.command import main

__all__ = ["main"]
