"""Reads Dockerfiles, compose files and what an image gets from the tree."""
