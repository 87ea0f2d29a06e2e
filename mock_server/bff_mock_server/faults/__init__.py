"""Faults: how one is written, and what it does to a response; pure."""
