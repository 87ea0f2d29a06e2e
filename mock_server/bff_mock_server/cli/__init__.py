"""The command `bff-mock-server`: reads options, puts the mock together, prints the banner, reloads changed files."""

from bff_mock_server.cli.command import main

__all__ = ["main"]
