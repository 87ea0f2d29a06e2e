"""Example programs, which are not in the wheel."""
