"""Makes responses as bytes: from a contract's example, from a template filled with rows, or as a refusal; pure."""
