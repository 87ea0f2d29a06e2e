"""Decides which interaction of a contract a request is for, and where it differs from the closest one; pure."""
