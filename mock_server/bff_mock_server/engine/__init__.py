"""Answers requests: a backend per contract over the rows of a world, with faults and the journal of what was asked."""
