"""Discovery of packages of Node: their workspace, manager, locks and ranges."""
