"""The regions of clouds whose host names have one in the middle.

Facts, as of November 2026. A certificate's name constraints know whole names and suffixes only, and
`amazonaws.com` would be far too much to vouch for; so such a pattern is spelled out, region by
region. `providers` asks.
"""

from __future__ import annotations

from typing import Final

__all__ = ["spelled_out"]


def spelled_out(pattern: str) -> tuple[str, ...]:
    """The host names that `pattern` stands for, if its cloud's regions are known.

    `bedrock-runtime.*.amazonaws.com` → `bedrock-runtime.eu-west-1.amazonaws.com` and so on. A name
    without `*`, or with none but a leading `*.`, is given back alone; of a pattern that nobody
    knows how to spell out, nothing is left.
    """
    if "*" not in pattern.removeprefix("*."):
        return (pattern,)
    for ending, regions in _REGIONS.items():
        if pattern.endswith(ending):
            return tuple(pattern.replace("*", region) for region in regions)
    return ()


# The commercial regions and GovCloud; China and the isolated ones have domains of their own.
_AWS: Final = tuple(
    """
    af-south-1
    ap-east-1 ap-east-2
    ap-northeast-1 ap-northeast-2 ap-northeast-3
    ap-south-1 ap-south-2
    ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6
    ap-southeast-7
    ca-central-1 ca-west-1
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
    il-central-1
    me-central-1 me-south-1
    mx-central-1
    sa-east-1
    us-east-1 us-east-2 us-gov-east-1 us-gov-west-1 us-west-1 us-west-2
    """.split()  # noqa: SIM905  # a table, not 40 lines
)

_GOOGLE: Final = tuple(
    """
    africa-south1
    asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3
    asia-south1 asia-south2 asia-southeast1 asia-southeast2 asia-southeast3
    australia-southeast1 australia-southeast2
    europe-central2 europe-north1 europe-north2 europe-southwest1
    europe-west1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 europe-west9
    europe-west10 europe-west12
    me-central1 me-central2 me-west1
    northamerica-northeast1 northamerica-northeast2 northamerica-south1
    southamerica-east1 southamerica-west1
    us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4
    """.split()  # noqa: SIM905  # a table, not 40 lines
)

_ORACLE: Final = tuple(
    """
    af-johannesburg-1
    ap-chuncheon-1 ap-hyderabad-1 ap-melbourne-1 ap-mumbai-1 ap-osaka-1 ap-seoul-1 ap-singapore-1
    ap-singapore-2 ap-sydney-1 ap-tokyo-1
    ca-montreal-1 ca-toronto-1
    eu-amsterdam-1 eu-frankfurt-1 eu-madrid-1 eu-marseille-1 eu-milan-1 eu-paris-1 eu-stockholm-1
    eu-zurich-1
    il-jerusalem-1
    me-abudhabi-1 me-dubai-1 me-jeddah-1 me-riyadh-1
    mx-monterrey-1 mx-queretaro-1
    sa-bogota-1 sa-santiago-1 sa-saopaulo-1 sa-valparaiso-1 sa-vinhedo-1
    uk-cardiff-1 uk-london-1
    us-ashburn-1 us-chicago-1 us-phoenix-1 us-sanjose-1
    """.split()  # noqa: SIM905  # a table, not 40 lines
)

_REGIONS: Final = {
    ".amazonaws.com": _AWS,
    ".api.aws": _AWS,
    # Regional endpoints of Google exist for groups of regions, too.
    ".rep.googleapis.com": ("eu", "us", *_GOOGLE),
    "-aiplatform.googleapis.com": _GOOGLE,
    ".oci.oraclecloud.com": _ORACLE,
    # No regions, but kinds of subscription.
    ".githubcopilot.com": ("individual", "business", "enterprise"),
}
