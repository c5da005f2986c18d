"""The only wiring: builds the parts from the settings, starts them, stops them.

`run` is the whole life of `record` and `serve`; `Service` is what runs, for those who have a loop
of their own. It decides nothing about requests; that is `session`'s. The commands call it.
"""

from llmreplay.service.running import run
from llmreplay.service.serving import Report, Service

__all__ = ["Report", "Service", "run"]
