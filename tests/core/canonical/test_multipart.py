from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical.multipart import Part, parts_of


def multipart(*parts: tuple[str, bytes], boundary: str = "xyz", newline: str = "\r\n") -> bytes:
    """A body with these parts: head lines (divided by `|`) and content."""
    line = newline.encode()
    body = b""
    for head, content in parts:
        body += b"--" + boundary.encode() + line
        body += head.replace("|", newline).encode() + line + line + content + line
    return body + b"--" + boundary.encode() + b"--" + line


AUDIO = ('Content-Disposition: form-data; name="file"; filename="a.wav"|Content-Type: audio/wav',)


@pytest.mark.parametrize("boundary", ["xyz", "----formdata-undici-012345", "a b'c"])
@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_parts_are_read_whatever_the_boundary(boundary: str, newline: str) -> None:
    body = multipart(
        (AUDIO[0], b"RIFF\r\n--xy\0\xff"),
        ('content-disposition: form-data; name="model"', b"whisper-1"),
        boundary=boundary,
        newline=newline,
    )
    assert parts_of(body) == (
        Part("file", "a.wav", "audio/wav", b"RIFF\r\n--xy\0\xff"),
        Part("model", None, "", b"whisper-1"),
    )


@pytest.mark.parametrize(
    ("disposition", "name", "filename"),
    [
        ("form-data; name=a", "a", None),
        ("form-data; name=a; filename=b.txt", "a", "b.txt"),
        (r'form-data; name="a\"b"; filename="c;d.txt"', 'a"b', "c;d.txt"),
        ("form-data; name=\"a\"; filename*=UTF-8''%e2%82%ac.txt", "a", "€.txt"),
        ('form-data; name="a"; filename="x"; filename*=utf-8\'\'y', "a", "y"),
        ('form-data; name="a"; filename*=utf-8\'\'y; filename="x"', "a", "y"),
        ("form-data", "", None),
    ],
)
def test_names_are_read_in_every_spelling(
    disposition: str, name: str, filename: str | None
) -> None:
    body = multipart((f"Content-Disposition: {disposition}", b"1"))
    assert parts_of(body) == (Part(name, filename, "", b"1"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        b"--",
        b"-- a horizontal rule\n",
        b"--xyz\r\nno header\r\n\r\ncontent\r\n--xyz--\r\n",
        b"--xyz\r\nno empty line\r\n--xyz--\r\n",
        b"--xyz\r\nContent-Type: text/plain\r\n\r\ncontent\r\n--xyz--\r\n",
        b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut off',
        b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xyz\r\n',
    ],
)
def test_what_is_no_multipart_body_is_none(body: bytes) -> None:
    assert parts_of(body) is None


@given(st.lists(st.binary()), st.binary())
def test_any_content_comes_out_whole(contents: list[bytes], more: bytes) -> None:
    all_contents = [*contents, more]
    heads = [
        f'Content-Disposition: form-data; name="n{index}"' for index, _ in enumerate(all_contents)
    ]
    parts = parts_of(multipart(*zip(heads, all_contents, strict=True), boundary="b0undary"))
    assert parts is not None
    assert all_contents == [part.content for part in parts]
