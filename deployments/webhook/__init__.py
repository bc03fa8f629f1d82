"""The webhook service: accepts GitHub's deliveries, and starts one Prefect run per commit to validate."""
