"""A real provider behind the mock's port: passes requests on, judges the answers, and learns from them."""
