"""Discovery of Python projects: what they install, from which lock or requirements files."""
