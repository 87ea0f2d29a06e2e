"""Compares two versions of a contract: what a change demands of the provider, or allows it."""
