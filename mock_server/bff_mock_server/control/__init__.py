"""The control API and its page: provider states, faults, journal and coverage of a running mock."""

from bff_mock_server.control.app import ControlApp

__all__ = ["ControlApp"]
