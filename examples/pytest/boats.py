"""A program as yours might be: it asks a model, and knows nothing of llmreplay."""

import sys

from openai import OpenAI, RateLimitError


def name_for(boat: str) -> str:
    """One word that would suit `boat`."""
    answer = OpenAI().chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": "Name the boat. Answer with one word."},
            {"role": "user", "content": boat},
        ],
    )
    return answer.choices[0].message.content or ""


def name_or_none(boat: str) -> str | None:
    """The same, or None once the provider wants to be paid."""
    try:
        return name_for(boat)
    except RateLimitError:
        return None


if __name__ == "__main__":
    sys.stdout.write(name_for("a small red sailing boat") + "\n")
