"""What goes wrong on demand: how a fault is written, and what it does to an answer; pure."""
