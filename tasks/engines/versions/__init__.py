"""Which Python and which Node a stack needs, for every engine."""
