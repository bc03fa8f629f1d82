"""The files of a stack: git, the tree under validation, clones of commits, and the base."""
