"""Event-stream bodies fall into frames, or into the bytes that no frame gives back."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.frames import frame_headers, split_frames, stored_frame_headers
from llmreplay.core.streams.event_stream import Frame, encode_frame
from tests.cassettes.strategies import frame_bodies


@given(frame_bodies, st.integers(0, 400), st.integers(0, 255))
def test_frames_give_back_a_body_even_a_damaged_one(body: bytes, at: int, byte: int) -> None:
    damaged = body[:at] + bytes([byte]) + body[at + 1 :]

    for each in (body, damaged, body[:at]):
        frames = split_frames(each)
        joined = b"".join(f if isinstance(f, bytes) else encode_frame(f) for f in frames)
        assert joined == each


def as_text(value: object) -> object:
    """A stored header as it comes back from YAML."""
    if isinstance(value, dict):
        return {kind: as_text(each) for kind, each in value.items()}
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(frame_bodies)
def test_headers_come_back_with_their_types(body: bytes) -> None:
    for frame in split_frames(body):
        if isinstance(frame, Frame):
            stored = stored_frame_headers(frame.headers)
            assert frame_headers(as_text(stored)) == frame.headers
