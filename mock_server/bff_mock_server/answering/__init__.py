"""Answers requests: one backend per contract, with a world's rows, its faults and the journal of requests."""
