"""The command `bff-mock-server`: reads options, assembles the mock, prints the banner, reloads changed files."""

from bff_mock_server.cli.command import main

__all__ = ["main"]
