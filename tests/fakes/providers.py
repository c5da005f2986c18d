"""All the fake providers at once, each on a port of its own, as upstreams for `--upstream`."""

from __future__ import annotations

from tests.fakes.provider import FakeProvider
from tests.fakes.provider_bedrock import FakeBedrock
from tests.fakes.provider_cohere import FakeCohere
from tests.fakes.provider_gemini import FakeGemini
from tests.fakes.provider_groq import FakeGroq
from tests.fakes.provider_mistral import FakeMistral

__all__ = ["FakeProviders"]


class FakeProviders(FakeProvider):
    """The fake OpenAI and Anthropic, and others beside them; `urls` are theirs by name."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: dict[str, str] = {}

    async def _start(self) -> tuple[str, str]:
        openai, anthropic = await super()._start()
        self.urls = {"openai": openai, "anthropic": anthropic}
        for provider in (FakeBedrock(), FakeCohere(), FakeGemini(), FakeGroq(), FakeMistral()):
            self.urls[provider.name] = await self._serve(provider)
        return openai, anthropic

    def upstreams(self) -> list[str]:
        """The flags that put them in the place of the real ones."""
        return [flag for name, url in self.urls.items() for flag in ("--upstream", f"{name}={url}")]
