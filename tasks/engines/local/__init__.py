"""The embedded engine: isolated workspaces and toolchains on this machine, no containers."""
