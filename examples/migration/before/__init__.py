"""The BFF with HTTP clients of its own."""
