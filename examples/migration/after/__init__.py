"""The BFF with the clients of this package."""
