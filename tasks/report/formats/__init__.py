"""The report in the formats of other programs: Prefect, GitHub, GitLab, and readers of JUnit, SARIF and HTML."""
