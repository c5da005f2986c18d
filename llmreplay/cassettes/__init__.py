"""Cassettes: the files of exchanges, as they are written, read, rewritten and proved.

What a request means, what is secret and what matches is injected as functions; nothing here
knows providers or sockets. `service` wires it, the commands and importers read and write by it.
"""

from llmreplay.cassettes.check import prove
from llmreplay.cassettes.document import dump, load
from llmreplay.cassettes.index_cache import IndexCache
from llmreplay.cassettes.library import Cassette, Index, Library, Loaded
from llmreplay.cassettes.reading import Limits
from llmreplay.cassettes.recorder import Recorder
from llmreplay.cassettes.take import Closed, Take

__all__ = [
    "Cassette",
    "Closed",
    "Index",
    "IndexCache",
    "Library",
    "Limits",
    "Loaded",
    "Recorder",
    "Take",
    "dump",
    "load",
    "prove",
]
