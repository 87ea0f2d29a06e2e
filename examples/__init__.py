"""Programs to copy from; no part of the wheel."""
