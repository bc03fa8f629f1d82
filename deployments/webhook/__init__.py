"""The webhook service: takes what GitHub says of a repository, and has Prefect validate the commit, once."""
