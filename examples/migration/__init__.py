"""A small BFF with clients of its own, before and after it takes these: docs/migration.md."""
