"""LLM and AI providers whose API address is public knowledge.

A table and nothing else: the name is the upstream's name and the path prefix of the reverse
proxy (`/groq/openai/v1/…` goes to `https://api.groq.com/openai/v1/…`). Whoever is not in it
can be named in the settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from llmreplay.dialects.regions import spelled_out

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROVIDERS", "Provider", "provider_hosts", "provider_of_host"]


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    `url` is its origin, without a path; None where every customer has a host of their own.
    `dialect` names the dialect that it speaks; the plain one for who has none of ours yet.
    `hosts` are further hosts of it, with a port if it is not 443; a `*` stands for letters,
    digits, dots and dashes. `own_paths` are beginnings of its paths that look like another
    provider's name, `versioned` those that clients may ask for without the `/v1` before them.
    """

    name: str
    url: str | None
    dialect: str = "openai"
    hosts: tuple[str, ...] = ()
    own_paths: tuple[str, ...] = ()
    versioned: tuple[str, ...] = ()


def provider_of_host(host: str) -> Provider | None:
    """Whose host it is (with or without a port), or None.

    Where the provider's own address is another one (a region, a customer's), the provider is
    given with the address asked for.
    """
    asked = host.lower().removesuffix(":443")
    exact = _BY_HOST.get(asked)
    if exact is not None:
        return exact
    for pattern, provider in _BY_PATTERN:
        if pattern.fullmatch(asked):
            return replace(provider, url=f"https://{asked}")
    return None


def provider_hosts() -> tuple[str, ...]:
    """Every host of a known provider that speaks https at port 443, for certificates.

    Names, and suffixes as `*.openai.azure.com`; other patterns are spelled out by region, so
    that a region opened since is not among them, though `provider_of_host` knows whose it is.
    """
    return tuple(
        sorted(
            {
                name
                for provider in PROVIDERS.values()
                for host in (*_own_host(provider), *provider.hosts)
                if ":" not in host
                for name in spelled_out(host)
            }
        )
    )


def _own_host(provider: Provider) -> tuple[str, ...]:
    """The host of its address; of a local one none, as any program may listen there."""
    scheme, _, host = (provider.url or "").partition("://")
    return (host,) if scheme == "https" else ()


_CLOUD: Final = (
    # Those who make models.
    Provider("openai", "https://api.openai.com", hosts=("*.api.openai.com",)),
    Provider(
        "anthropic",
        "https://api.anthropic.com",
        "anthropic",
        # @ai-sdk/anthropic wants `/v1` in ANTHROPIC_BASE_URL, Anthropic's own SDKs add it.
        versioned=("/messages", "/models", "/files", "/skills", "/complete"),
    ),
    Provider("gemini", "https://generativelanguage.googleapis.com", "plain"),
    Provider("ai21", "https://api.ai21.com"),
    Provider("aleph-alpha", "https://api.aleph-alpha.com", "plain"),
    Provider("baichuan", "https://api.baichuan-ai.com"),
    Provider("cohere", "https://api.cohere.com", "plain", ("api.cohere.ai",)),
    Provider("codestral", "https://codestral.mistral.ai"),
    Provider("contextual", "https://api.contextual.ai", "plain"),
    Provider(
        "dashscope",
        "https://dashscope.aliyuncs.com",
        hosts=("dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
    ),
    Provider("deepseek", "https://api.deepseek.com", own_paths=("/anthropic/",)),
    Provider("gigachat", "https://gigachat.devices.sberbank.ru"),
    Provider("hunyuan", "https://api.hunyuan.cloud.tencent.com"),
    Provider("inception", "https://api.inceptionlabs.ai"),
    Provider("lingyiwanwu", "https://api.lingyiwanwu.com"),
    Provider("llama", "https://api.llama.com"),
    Provider("maritaca", "https://chat.maritaca.ai"),
    Provider(
        "minimax",
        "https://api.minimax.io",
        hosts=("api.minimaxi.com", "api.minimax.chat"),
        own_paths=("/anthropic/",),
    ),
    Provider("mistral", "https://api.mistral.ai"),
    Provider(
        "moonshot",
        "https://api.moonshot.ai",
        hosts=("api.moonshot.cn",),
        own_paths=("/anthropic/",),
    ),
    Provider("morph", "https://api.morphllm.com"),
    Provider("perplexity", "https://api.perplexity.ai"),
    Provider("qianfan", "https://qianfan.baidubce.com"),
    Provider("reka", "https://api.reka.ai"),
    Provider("sarvam", "https://api.sarvam.ai"),
    Provider("stepfun", "https://api.stepfun.com"),
    Provider("upstage", "https://api.upstage.ai"),
    Provider("volcengine", "https://ark.cn-beijing.volces.com"),
    Provider("writer", "https://api.writer.com"),
    Provider("xai", "https://api.x.ai", hosts=("*.api.x.ai",)),
    Provider("yandex", "https://llm.api.cloud.yandex.net", "plain"),
    Provider("zai", "https://api.z.ai", hosts=("open.bigmodel.cn",)),
    # Those who run them.
    Provider("aimlapi", "https://api.aimlapi.com"),
    Provider("avian", "https://api.avian.io"),
    Provider("baseten", "https://inference.baseten.co", hosts=("*.api.baseten.co",)),
    Provider("cerebras", "https://api.cerebras.ai"),
    Provider("chutes", "https://llm.chutes.ai"),
    Provider("clarifai", "https://api.clarifai.com", "plain"),
    Provider("crusoe", "https://api.inference.crusoecloud.com"),
    Provider("deepinfra", "https://api.deepinfra.com"),
    Provider("digitalocean", "https://inference.do-ai.run"),
    Provider("featherless", "https://api.featherless.ai"),
    Provider("fireworks", "https://api.fireworks.ai"),
    Provider("friendli", "https://api.friendli.ai"),
    Provider("groq", "https://api.groq.com", own_paths=("/openai/",)),
    Provider("heroku", "https://us.inference.heroku.com", hosts=("*.inference.heroku.com",)),
    Provider(
        "huggingface",
        "https://router.huggingface.co",
        hosts=("api-inference.huggingface.co", "*.endpoints.huggingface.cloud"),
        # The router has a path for each who answers in its name.
        own_paths=(
            "/cerebras/",
            "/cohere/",
            "/groq/",
            "/hyperbolic/",
            "/nebius/",
            "/novita/",
            "/replicate/",
            "/sambanova/",
            "/together/",
        ),
    ),
    Provider("huggingface-hub", "https://huggingface.co", "plain"),
    Provider("hyperbolic", "https://api.hyperbolic.xyz"),
    Provider("inference-net", "https://api.inference.net"),
    Provider("ionos", "https://openai.inference.de-txl.ionos.com"),
    Provider("lambda", "https://api.lambda.ai", hosts=("api.lambdalabs.com",)),
    Provider(
        "nebius",
        "https://api.tokenfactory.nebius.com",
        hosts=("api.studio.nebius.ai", "api.studio.nebius.com"),
    ),
    Provider("novita", "https://api.novita.ai", own_paths=("/openai/",)),
    Provider("nscale", "https://inference.api.nscale.com"),
    Provider("nvidia", "https://integrate.api.nvidia.com", hosts=("ai.api.nvidia.com",)),
    Provider("ollama-cloud", "https://ollama.com", "plain"),
    Provider("ovhcloud", "https://oai.endpoints.kepler.ai.cloud.ovh.net"),
    Provider("parasail", "https://api.parasail.io"),
    Provider("predibase", "https://serving.app.predibase.com"),
    Provider("replicate", "https://api.replicate.com", "plain"),
    Provider("runpod", "https://api.runpod.ai", "plain"),
    Provider("sambanova", "https://api.sambanova.ai"),
    Provider("scaleway", "https://api.scaleway.ai"),
    Provider("siliconflow", "https://api.siliconflow.com", hosts=("api.siliconflow.cn",)),
    Provider(
        "together",
        "https://api.together.xyz",
        hosts=("api-inference.together.ai", "api.together.ai"),
    ),
    Provider("venice", "https://api.venice.ai"),
    Provider("wandb", "https://api.inference.wandb.ai"),
    # Clouds, with hosts by region or by customer.
    Provider(
        "azure",
        None,
        hosts=(
            "*.openai.azure.com",
            "*.services.ai.azure.com",
            "*.cognitiveservices.azure.com",
            "*.models.ai.azure.com",
        ),
        own_paths=("/anthropic/", "/openai/"),
    ),
    Provider(
        "bedrock",
        "https://bedrock-runtime.us-east-1.amazonaws.com",
        "plain",
        ("bedrock-runtime.*.amazonaws.com", "bedrock-runtime-fips.*.amazonaws.com"),
    ),
    Provider(
        "bedrock-agents",
        "https://bedrock-agent-runtime.us-east-1.amazonaws.com",
        "plain",
        ("bedrock-agent-runtime.*.amazonaws.com",),
    ),
    Provider(
        "bedrock-mantle",
        "https://bedrock-mantle.us-east-1.api.aws",
        hosts=("bedrock-mantle.*.api.aws",),
        own_paths=("/anthropic/", "/openai/"),
    ),
    Provider("cloudflare", "https://api.cloudflare.com", "plain"),
    Provider(
        "databricks",
        None,
        hosts=("*.cloud.databricks.com", "*.azuredatabricks.net", "*.gcp.databricks.com"),
    ),
    Provider("oci", None, "plain", ("inference.generativeai.*.oci.oraclecloud.com",)),
    Provider("sagemaker", None, "plain", ("runtime.sagemaker.*.amazonaws.com",)),
    Provider("snowflake", None, hosts=("*.snowflakecomputing.com",)),
    Provider(
        "vertex",
        "https://aiplatform.googleapis.com",
        "plain",
        ("*-aiplatform.googleapis.com", "aiplatform.*.rep.googleapis.com"),
    ),
    Provider("watsonx", "https://us-south.ml.cloud.ibm.com", "plain", ("*.ml.cloud.ibm.com",)),
    # Gateways in front of others.
    Provider("cloudflare-gateway", "https://gateway.ai.cloudflare.com"),
    Provider("github-copilot", "https://api.githubcopilot.com", hosts=("api.*.githubcopilot.com",)),
    Provider(
        "github-models",
        "https://models.github.ai",
        hosts=("models.inference.ai.azure.com",),
    ),
    Provider(
        "helicone",
        "https://ai-gateway.helicone.ai",
        hosts=("oai.helicone.ai", "anthropic.helicone.ai", "gateway.helicone.ai"),
    ),
    Provider("nano-gpt", "https://nano-gpt.com"),
    Provider("openrouter", "https://openrouter.ai"),
    Provider("poe", "https://api.poe.com"),
    Provider("portkey", "https://api.portkey.ai"),
    Provider("requesty", "https://router.requesty.ai"),
    Provider("v0", "https://api.v0.dev"),
    Provider("vercel", "https://ai-gateway.vercel.sh"),
    # Embeddings, speech, pictures.
    Provider(
        "assemblyai",
        "https://api.assemblyai.com",
        "plain",
        ("api.eu.assemblyai.com", "llm-gateway.assemblyai.com"),
    ),
    Provider("bfl", "https://api.bfl.ai", "plain", ("api.bfl.ml",)),
    Provider("cartesia", "https://api.cartesia.ai", "plain"),
    Provider("deepgram", "https://api.deepgram.com", "plain", ("api.eu.deepgram.com",)),
    Provider("elevenlabs", "https://api.elevenlabs.io", "plain", ("api.us.elevenlabs.io",)),
    Provider("fal", "https://fal.run", "plain", ("queue.fal.run",)),
    Provider("hume", "https://api.hume.ai", "plain"),
    Provider("ideogram", "https://api.ideogram.ai", "plain"),
    Provider("jina", "https://api.jina.ai"),
    Provider("luma", "https://api.lumalabs.ai", "plain"),
    Provider("mixedbread", "https://api.mixedbread.com"),
    Provider("nomic", "https://api-atlas.nomic.ai", "plain"),
    Provider("recraft", "https://external.api.recraft.ai"),
    Provider("runway", "https://api.dev.runwayml.com", "plain"),
    Provider("stability", "https://api.stability.ai", "plain"),
    Provider("voyage", "https://api.voyageai.com"),
)

# The ports that they listen on unless told otherwise.
_LOCAL: Final = (
    Provider("litellm", "http://127.0.0.1:4000"),
    Provider("llamacpp", "http://127.0.0.1:8080"),
    Provider("lmstudio", "http://127.0.0.1:1234", hosts=("127.0.0.1:1234", "localhost:1234")),
    Provider("ollama", "http://127.0.0.1:11434", "plain", ("127.0.0.1:11434", "localhost:11434")),
    Provider("vllm", "http://127.0.0.1:8000"),
)

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {provider.name: provider for provider in (*_CLOUD, *_LOCAL)}
)
"""All providers by name."""

_BY_HOST: Final = MappingProxyType(
    {
        host: provider
        for provider in PROVIDERS.values()
        for host in (*_own_host(provider), *provider.hosts)
        if "*" not in host
    }
)
_BY_PATTERN: Final = tuple(
    (re.compile(re.escape(host).replace(r"\*", "[a-z0-9.-]+")), provider)
    for provider in PROVIDERS.values()
    for host in provider.hosts
    if "*" in host
)
