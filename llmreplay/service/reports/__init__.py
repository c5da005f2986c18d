"""Reports of a run, `--report FILE`: as JSON, or as JUnit's XML for what shows test results.

What is in one is read when the run ends; while it runs, only sessions that are over are noted.
`running` makes a `Reporting` before the first request and writes with it after the last.
"""

from llmreplay.service.reports.reporting import Reporting

__all__ = ["Reporting"]
