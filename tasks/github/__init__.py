"""GitHub, or a server with the same API: its address and token, and the commit statuses that runs set there."""
