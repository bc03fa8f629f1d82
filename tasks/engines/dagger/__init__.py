"""The engine of containers: runs steps through Dagger. Only `client` imports Dagger's client."""
