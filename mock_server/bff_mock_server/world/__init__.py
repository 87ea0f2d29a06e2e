"""The data behind the mocked backends: rows, the provider states that make them, sessions, scenarios and time."""
