"""The settings of the endpoints: who answers, and who does when that one cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from speakerd.errors import ConfigurationError

Bounds = dict[str, tuple[float, float, float]]
"""Key → value, smallest, greatest."""


@dataclass(frozen=True, slots=True)
class OtherEndpoint:
    """One more endpoint, in the order in which they are tried."""

    name: Literal["offline", "openai", "azure", "xai", "custom"]
    """offline is the assistant on the device; openai, azure and xai the cloud; custom any Realtime server at `url`."""
    url: str = ""
    """Address of custom, such as ws://192.168.1.5:8080/v1/realtime, or of azure, such as https://NAME.openai.azure.com;
    {model} in it is replaced."""
    dialect: Literal["openai", "localai", "speech-to-speech", "xai"] = "openai"
    """How a custom server speaks the protocol: openai, or which program it is."""
    model: str = ""
    """The model to ask for; azure's is the name of your deployment. Empty means gpt-realtime-2.1-mini, for xai
    grok-voice-latest, and for localai and speech-to-speech that the server chooses."""
    voice: str = ""
    """The voice of the answers; empty means marin for openai and azure, eve for xai, the server's own for custom."""
    key_file: str = ""
    """File of the API key. Empty means the systemd credential named after the endpoint, such as xai-api-key (for openai
    api-key, too), else OPENAI_API_KEY, AZURE_OPENAI_API_KEY or XAI_API_KEY; custom may do without."""
    connect_seconds: float = 8.0
    """Seconds that connection and set-up may take."""
    reasoning_effort: Literal["", "minimal", "low", "medium", "high", "xhigh"] = ""
    """How much the model thinks before it answers, which takes time and tokens; only for models that can. Empty means
    as the endpoint does by itself."""
    max_output_tokens: int = 0
    """Most tokens of one answer, its tool calls included, up to 4096; 0 means no limit."""
    retention_ratio: float = 0.8
    """How much of a conversation is kept when it has become too long for the model; less is dropped less often."""
    transcription_model: str = ""
    """The model that writes down what you say; empty means gpt-transcribe, or a custom server's own; "none" none."""
    language: str = ""
    """Language that you speak, such as en or de, to help with writing it down; empty means any."""
    noise_reduction: Literal["far_field", "near_field", "none"] = "far_field"
    """What the endpoint does about noise: far_field for a speaker in the room, near_field for a headset."""
    bills: bool = False
    """Whether a custom endpoint costs money, so that a budget counts it; openai, azure and xai always do."""


@dataclass(frozen=True, slots=True)
class EndpointSettings(OtherEndpoint):
    """Who answers."""

    name: Literal["offline", "openai", "azure", "xai", "custom"] = "offline"
    """offline is the assistant on the device; openai, azure and xai the cloud; custom any Realtime server at `url`."""
    instructions: str = (
        "You are a friendly voice assistant in a smart speaker. Answer in one or two short spoken sentences. "
        "Use the tools to act; never claim to have done what no tool confirmed."
    )
    """What the model is told about its part, at every endpoint."""
    offline_fallback: bool = True
    """Let the assistant on the device answer where no other endpoint can."""
    others: tuple[OtherEndpoint, ...] = ()
    """Who answers when the first cannot: instead of this line a table [[endpoint.others]] for each, as below."""


def rows(settings: EndpointSettings) -> Iterator[tuple[str, OtherEndpoint]]:
    """The endpoints in the order in which they are tried, each with the key of its table."""
    yield "endpoint", settings
    for number, other in enumerate(settings.others, 1):
        yield f"endpoint.others[{number}]", other


def bounds(settings: EndpointSettings) -> Bounds:
    """The numbers and what they may be."""
    found: Bounds = {}
    for row, each in rows(settings):
        found[f"{row}.connect_seconds"] = each.connect_seconds, 0.5, 60.0
        found[f"{row}.max_output_tokens"] = each.max_output_tokens, 0, 4096
        found[f"{row}.retention_ratio"] = each.retention_ratio, 0.1, 1.0
    return found


def check_addresses(settings: EndpointSettings) -> None:
    """Raises ConfigurationError for an endpoint of which it is not said where it is."""
    for row, each in rows(settings):
        if each.name == "custom" and not each.url.startswith(("ws://", "wss://")):
            raise ConfigurationError(f'"{row}.url" must be a ws:// or wss:// address when {row}.name is "custom".')
        if each.name == "azure" and not each.url.startswith(("https://", "wss://")):
            raise ConfigurationError(f'"{row}.url" must be an https:// or wss:// address when {row}.name is "azure".')
        if each.name == "azure" and not each.model:
            raise ConfigurationError(f'"{row}.model" must name your deployment when {row}.name is "azure".')
