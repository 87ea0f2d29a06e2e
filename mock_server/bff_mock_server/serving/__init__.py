"""Brings requests to the mock: from HTTP connections and sockets, or from an httpx client in the same process."""
