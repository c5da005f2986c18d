"""The variables that SDKs read, as data: base URLs and API keys, by provider.

Each row was read in the source of the clients that it names. Adding an SDK is adding its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

__all__ = ["BASE_URLS", "KEYS", "PLACEHOLDER", "BaseUrl", "Key", "When"]

PLACEHOLDER: Final = "placeholder-set-by-llmreplay"
"""What stands where an SDK insists on a key. No provider takes it, no scanner knows it."""


class When(Enum):
    """When a base-URL variable is pointed at us."""

    ALWAYS = auto()
    """Whether the user has set it or not."""
    REPLAY = auto()
    """While replaying only: its requests are signed for the host that they name."""
    RECORDED = auto()
    """Where the user has set it, or while replaying what was recorded from that provider.

    Its mere presence makes programs and SDKs choose this provider.
    """
    GIVEN = auto()
    """Only where the user has set it: the client honours proxies, or its suffix has changed."""


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """One variable: whose base URL it is, and which path the client expects to be in it."""

    variable: str
    provider: str
    suffix: str = ""
    when: When = When.GIVEN


@dataclass(frozen=True, slots=True)
class Key:
    """A variable that must be set before an SDK starts, for what was recorded from `providers`.

    It is left alone where one of `unless` is set; `value` is what it gets.
    """

    variable: str
    providers: frozenset[str]
    unless: frozenset[str] = frozenset()
    value: str = PLACEHOLDER

    @property
    def not_beside(self) -> frozenset[str]:
        """All variables that make this one needless, itself among them."""
        return self.unless | {self.variable}


BASE_URLS: Final = (
    # openai (Python 3.54, Node 6.49), @ai-sdk/openai 3.0.141, LiteLLM 1.106.
    BaseUrl("OPENAI_BASE_URL", "openai", "/v1", When.ALWAYS),
    # anthropic (Python 2.12), @anthropic-ai/sdk 1.12, LiteLLM. (@ai-sdk/anthropic 3.0.138 reads it
    # too, and expects /v1 in it.)
    BaseUrl("ANTHROPIC_BASE_URL", "anthropic", "", When.ALWAYS),
    # google-genai (Python 3.4), @google/genai 2.32.
    BaseUrl("GOOGLE_GEMINI_BASE_URL", "gemini", "", When.ALWAYS),
    # groq (Python 1.7), groq-sdk 1.6.
    BaseUrl("GROQ_BASE_URL", "groq", "", When.ALWAYS),
    # cohere (Python 7.3).
    BaseUrl("CO_API_URL", "cohere", "", When.ALWAYS),
    # ollama (Python 0.6.3). It is on this machine, so no proxy would be asked.
    BaseUrl("OLLAMA_HOST", "ollama", "", When.ALWAYS),
    # boto3 1.44, @ai-sdk/amazon-bedrock 4.0.186. Recording goes through the proxy.
    BaseUrl("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "bedrock", "", When.REPLAY),
    BaseUrl("AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME", "bedrock-agents", "", When.REPLAY),
    # openai (Python 3.54, Node 6.49), whose module client refuses to choose where it and
    # OPENAI_API_KEY are both set.
    BaseUrl("AZURE_OPENAI_ENDPOINT", "azure", "", When.RECORDED),
    # together (Python 3.1), whose default had /v1 in it once.
    BaseUrl("TOGETHER_BASE_URL", "together", "/v1"),
    # huggingface_hub 1.33.
    BaseUrl("HF_INFERENCE_ENDPOINT", "huggingface"),
    # LangChain, and OpenAI's own SDK before 1.0.
    BaseUrl("OPENAI_API_BASE", "openai", "/v1"),
    # LiteLLM 1.106.
    BaseUrl("ANTHROPIC_API_BASE", "anthropic"),
    BaseUrl("AZURE_API_BASE", "azure"),
    BaseUrl("CEREBRAS_API_BASE", "cerebras", "/v1"),
    BaseUrl("DEEPINFRA_API_BASE", "deepinfra", "/v1/openai"),
    BaseUrl("DEEPSEEK_API_BASE", "deepseek"),
    BaseUrl("FIREWORKS_API_BASE", "fireworks", "/inference/v1"),
    BaseUrl("GEMINI_API_BASE", "gemini"),
    BaseUrl("GROQ_API_BASE", "groq", "/openai/v1"),
    BaseUrl("MISTRAL_API_BASE", "mistral", "/v1"),
    BaseUrl("OLLAMA_API_BASE", "ollama"),
    BaseUrl("OPENROUTER_API_BASE", "openrouter", "/api/v1"),
    BaseUrl("PERPLEXITY_API_BASE", "perplexity"),
    BaseUrl("TOGETHER_AI_API_BASE", "together", "/v1"),
    BaseUrl("XAI_API_BASE", "xai", "/v1"),
)
"""First those that SDKs of providers read. Of two for one provider, the first names its address."""


def _key(variable: str, *providers: str, unless: frozenset[str] = frozenset()) -> Key:
    return Key(variable, frozenset(providers), unless)


_GOOGLE = frozenset({"GOOGLE_API_KEY", "GEMINI_API_KEY"})
_AWS = frozenset({"bedrock", "bedrock-agents", "bedrock-mantle", "sagemaker"})
_AWS_CONFIGURED = frozenset(
    {
        "AWS_ACCESS_KEY_ID",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULT_PROFILE",
        "AWS_PROFILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    }
)
"""Any one of these, and botocore has a place to look for credentials and region."""
_AWS_REGION = frozenset({"AWS_REGION", "AWS_DEFAULT_REGION"})

KEYS: Final = (
    _key("OPENAI_API_KEY", "openai"),
    # With the two of them set, Anthropic's SDKs send both.
    _key("ANTHROPIC_API_KEY", "anthropic", unless=frozenset({"ANTHROPIC_AUTH_TOKEN"})),
    # google-genai warns where both of its two are set.
    _key("GEMINI_API_KEY", "gemini", unless=_GOOGLE),
    # @ai-sdk/google.
    _key("GOOGLE_GENERATIVE_AI_API_KEY", "gemini"),
    _key("MISTRAL_API_KEY", "mistral"),
    _key("CO_API_KEY", "cohere"),
    # @ai-sdk/cohere, LiteLLM.
    _key("COHERE_API_KEY", "cohere"),
    _key("GROQ_API_KEY", "groq"),
    _key("AZURE_OPENAI_API_KEY", "azure", unless=frozenset({"AZURE_OPENAI_AD_TOKEN"})),
    # @ai-sdk/azure, LiteLLM.
    _key("AZURE_API_KEY", "azure"),
    _key("TOGETHER_API_KEY", "together"),
    _key("DEEPSEEK_API_KEY", "deepseek"),
    _key("XAI_API_KEY", "xai"),
    _key("OPENROUTER_API_KEY", "openrouter"),
    _key("PERPLEXITYAI_API_KEY", "perplexity"),
    _key("FIREWORKS_API_KEY", "fireworks"),
    _key("CEREBRAS_API_KEY", "cerebras"),
    _key("DEEPINFRA_API_KEY", "deepinfra"),
    _key("AI_GATEWAY_API_KEY", "vercel"),
    _key("HF_TOKEN", "huggingface"),
    Key("AWS_ACCESS_KEY_ID", _AWS, _AWS_CONFIGURED),
    Key("AWS_SECRET_ACCESS_KEY", _AWS, _AWS_CONFIGURED),
    # botocore reads the one, AWS's SDK for JavaScript and @ai-sdk/amazon-bedrock the other.
    Key("AWS_DEFAULT_REGION", _AWS, _AWS_CONFIGURED | _AWS_REGION, "us-east-1"),
    Key("AWS_REGION", _AWS, _AWS_CONFIGURED | _AWS_REGION, "us-east-1"),
)
