"""The engine of containers: runs steps through Dagger. Only `session` imports its client, which takes half a second."""
