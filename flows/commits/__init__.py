"""The validation of one commit of a repository, on a worker."""
