"""Brings requests to the engine: from HTTP connections and sockets, or from an httpx client in the same process."""
