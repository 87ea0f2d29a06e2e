"""A pact file as data: read, upgraded, filled in for a concrete request, and described for people."""
