"""Stream framings: how a body falls into events.

Recording, replay, redaction and cutting share the parsers here. A parser takes the bytes in
any split and gives the same events; joining the events' `raw` gives back every byte.
"""

from llmreplay.core.streams.event import Event, Parser
from llmreplay.core.streams.framing import Framing, framing_of, parser_for, split

__all__ = ["Event", "Framing", "Parser", "framing_of", "parser_for", "split"]
