"""Compares two versions of a contract: what a change newly demands of the provider, or allows."""
