"""What Prefect is given of a run: subflows, task runs, states and artifacts."""
