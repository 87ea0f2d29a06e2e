"""Talks to a Pact Broker, and tells which version of the source is published there."""
