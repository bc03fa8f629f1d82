"""Makes a plan of checks, and lowers the checks to steps and environments. Pure."""
