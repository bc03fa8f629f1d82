"""Everything a flow calls, in small modules named after the words of the design."""
