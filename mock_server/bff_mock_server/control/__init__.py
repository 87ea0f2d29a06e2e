"""The control port: state, faults, journal and coverage of a running mock."""

from bff_mock_server.control.app import ControlApp

__all__ = ["ControlApp"]
