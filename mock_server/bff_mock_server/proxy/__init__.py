"""A real provider behind the mock's port: passes requests on, and checks and records the responses."""
