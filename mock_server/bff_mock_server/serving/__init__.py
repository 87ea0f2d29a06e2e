"""How requests reach the engine: ASGI, HTTP connections and sockets, or an httpx client in the same process."""
