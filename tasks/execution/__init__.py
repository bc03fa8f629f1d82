"""The executor: each check of a plan runs once, is judged by facts, and adds to the verdict."""
