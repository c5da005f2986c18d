"""A server as yours might be: it asks a model, and knows nothing of llmreplay.

`GET /names/red` answers with a name for a red boat.
"""

import os
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai import OpenAI, OpenAIError

MODEL = os.environ.get("MODEL", "gpt-4o-mini")
client = OpenAI(max_retries=0)


def name_for(boat: str) -> str:
    """One word that would suit `boat`."""
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "system", "content": "Name the boat. Answer with one word."},
            {"role": "user", "content": boat},
        ],
    )
    return answer.choices[0].message.content or ""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer it."""
        if self.path == "/healthz":
            self.answer(HTTPStatus.OK, "ok")
            return
        try:
            name = name_for(f"a small {self.path.removeprefix('/names/')} sailing boat")
        except OpenAIError as error:
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, f"no name today: {type(error).__name__}")
        else:
            self.answer(HTTPStatus.OK, name)

    def answer(self, status: HTTPStatus, text: str) -> None:
        """Send `text`."""
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
