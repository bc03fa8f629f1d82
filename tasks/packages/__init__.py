"""Package managers of Node: which versions predeploy brings, and what an installation runs of the stack. Pure."""
