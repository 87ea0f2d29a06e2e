"""Faults: how one is written, and what it does to an answer; pure."""
