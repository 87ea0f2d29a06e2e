"""Talks to a Pact Broker, and finds the version of the source that is published there."""
