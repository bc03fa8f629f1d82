"""From checks to a plan, and from its rows to steps and environments. All pure."""
