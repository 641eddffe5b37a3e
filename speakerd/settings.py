"""The owner's settings: TOML → frozen dataclasses, with every mistake named by its key.

The name of a setting carries its unit. `speakerd.toml.example` shows them all; a test keeps the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from speakerd import (
    settings_budget,
    settings_commands,
    settings_endpoint,
    settings_mcp,
    settings_mqtt,
    settings_toml,
    settings_tools,
)
from speakerd.errors import ConfigurationError
from speakerd.settings_budget import BudgetSettings as BudgetSettings
from speakerd.settings_endpoint import EndpointSettings as EndpointSettings
from speakerd.settings_endpoint import OtherEndpoint as OtherEndpoint
from speakerd.settings_mcp import HomeAssistantSettings as HomeAssistantSettings
from speakerd.settings_mcp import McpServer as McpServer
from speakerd.settings_mcp import McpSettings as McpSettings
from speakerd.settings_mqtt import MqttSettings as MqttSettings
from speakerd.settings_offline import OfflineSettings as OfflineSettings
from speakerd.settings_tools import PolicyRow as PolicyRow
from speakerd.settings_tools import ToolSettings as ToolSettings


@dataclass(frozen=True, slots=True)
class OtherWord:
    """One more wake word."""

    word: str
    """Like wake_word.word; each word only once."""
    sha256: str = ""
    """Like wake_word.sha256."""
    action: Literal["talk", "stop", "tool"] = "talk"
    """talk begins a conversation, stop ends ringing and conversation, tool runs a tool at once."""
    tool: str = ""
    """The tool to run."""
    arguments: str = "{}"
    """The tool's arguments as JSON."""
    threshold: float = 0.0
    """Score that this word must reach; 0 means wake_word.threshold."""
    patience_frames: int = 0
    """Frames that must reach it; 0 means wake_word.patience_frames."""


@dataclass(frozen=True, slots=True)
class WakeWordSettings:
    """How the speaker is woken by voice."""

    word: str = "hey_jarvis"
    """The wake word: a name that `speakerd models` lists, or the path of an openWakeWord model (.onnx or .tflite)."""
    sha256: str = ""
    """Checksum that a model given by its path must have; empty means any."""
    engine: Literal["streaming", "openwakeword"] = "streaming"
    """streaming is fast and small; openwakeword is the original, for models that streaming cannot load."""
    threshold: float = 0.5
    """Score from 0 to 1 that a frame must reach; higher means fewer false alarms and more misses."""
    night: str = ""
    """Local time in which night_threshold counts, such as 22:00-07:00; empty means never."""
    night_threshold: float = 0.0
    """Score that a frame must reach at night; 0 means as by day."""
    patience_frames: int = 2
    """How many frames of 80 ms must reach the threshold."""
    window_frames: int = 0
    """Among how many frames patience_frames are counted, which forgives a dip; 0 means as many, all in a row."""
    refractory_seconds: float = 2.0
    """Seconds after a detection in which others are ignored."""
    adaptive_range: float = 0.0
    """How far the threshold may move by itself, up after false alarms and down after misses; 0 means never."""
    voice_gate: bool = False
    """Accept a wake word only where a voice detector hears a voice, too; needs speakerd[voice]."""
    keep_clips: int = 0
    """How many recordings of the sound that woke the speaker are kept, 0 to 20; 0 means that none is ever made."""
    clips_folder: str = ""
    """Where they are kept; empty means in memory, under $RUNTIME_DIRECTORY or /run/speakerd, until the service ends."""
    clips_days: float = 7.0
    """Days after which a recording is deleted."""
    others: tuple[OtherWord, ...] = ()
    """More wake words: instead of this line a table [[wake_word.others]] for each, as below."""
    models_folder: str = ""
    """Folder of the .onnx files; empty means $SPEAKERD_MODELS, /var/lib/speakerd/models or ~/.cache/speakerd/models."""


@dataclass(frozen=True, slots=True)
class AudioSettings:
    """The sound card and what is done with it."""

    input: str = "default"
    """Capture device: default, CARD=id, usb:port, usb:vendor:product or a part of its name; see `speakerd devices`."""
    output: str = "default"
    """Playout device, named in the same ways."""
    input_channel: int = 0
    """The microphone's channel that is heard, 1 to 8; 0 means the mean of all."""
    input_gain_db: float = 0.0
    """Decibels by which the microphone is made louder, -20 to 40; I2S microphones are often too quiet."""
    sample_format: Literal["s16", "s32"] = "s16"
    """Bits of a sample at the card; s32 keeps what a quiet microphone of 24 bits hears, where the card has it."""
    volume: float = 0.7
    """Loudness from 0 to 1 at the first start; from then on the one that was set last counts (volume.json)."""
    duplex: Literal["auto", "half", "full"] = "auto"
    """full keeps the microphone open while the speaker talks; auto does where the board cancels its own echo, or where
    `speakerd doctor echo` has shown that we do; half never."""
    canceller: Literal["auto", "software", "none"] = "auto"
    """Who takes the speaker's own sound out of the microphone's: auto leaves it to a board that says it can."""
    trim_silence: bool = False
    """Do not send what nobody says, which some endpoints bill; only for endpoints with server_vad, or our own turns."""
    preroll_ms: int = 800
    """Milliseconds from before the activation that are sent too, so that a command in one breath is whole. It holds the
    wake word, which the assistant on the device needs whole; 400 is enough for a cloud, and seldom answered there."""
    tail_ms: int = 200
    """Milliseconds of reverberation after an answer in which the microphone stays closed (half duplex)."""
    lead_in_ms: int = 0
    """Milliseconds of noise too soft to hear before a sound, where a USB or HDMI output swallows its beginning."""
    cues: Literal["faults", "all"] = "faults"
    """all tells also when listening begins and ends, and mute; in half duplex the beginning only after a press."""
    keep_awake: bool = False
    """Play such noise instead of silence, so that the output never falls asleep; lead_in_ms is then not needed."""


@dataclass(frozen=True, slots=True)
class ConversationSettings:
    """Deadlines: every state but idle ends by itself."""

    listening_seconds: float = 8.0
    """Seconds of silence after which an activation or a follow-up ends."""
    utterance_seconds: float = 60.0
    """Longest stretch of speech; what goes on longer is a television."""
    thinking_seconds: float = 30.0
    """Longest wait for the next sign of an answer."""
    speaking_seconds: float = 300.0
    """Longest single answer."""
    ringing_seconds: float = 120.0
    """Seconds after which a timer stops ringing by itself."""
    hold_seconds: float = 1.2
    """Seconds that an answer waits when a voice is heard over it: either it is the user's, or the answer goes on."""
    follow_up: bool = True
    """Listen again after an answer, without the wake word."""
    turns: Literal["semantic", "server", "local", "push"] = "semantic"
    """Who decides that you have finished: semantic is the endpoint by what you say, server the endpoint by silence
    (also where it cannot do the first), local this device by silence, push you by letting go of the button."""
    eagerness: Literal["auto", "low", "medium", "high"] = "auto"
    """How soon you are thought to have finished where `turns` is semantic; low waits for up to 8 s, high for 2 s."""
    end_silence_ms: int = 800
    """Silence that ends your turn where `turns` is server or local; the gaps within speech reach 0.7 s."""
    speech_threshold: float = 0.0
    """How sure the endpoint must be that it hears speech where `turns` is server, 0.1 to 1; 0 means its own default."""
    prefix_ms: int = 300
    """Milliseconds from before your speech that the endpoint takes with it where `turns` is server."""
    interrupt_response: bool = True
    """Whether the endpoint breaks off an answer by itself when it hears you, which is fastest."""
    most_tool_calls: int = 16
    """Most tool calls in one turn; a model in a loop is stopped."""
    most_turns: int = 0
    """Turns of yours after which a conversation ends; 0 means any number."""
    most_minutes: float = 30.0
    """Longest conversation; it ends with the answer that is being given. 0 means any length."""
    end_phrases: tuple[str, ...] = ("goodbye", "bye", "that's all", "that's it", "never mind", "stop")
    """What you say, and nothing else, to end a conversation."""
    facts: bool = True
    """Tell the model in each turn what changes all the time: date and time, and the timers that run."""
    rollover_minutes: float = 55.0
    """Age at which a session is replaced by a new one that knows what was said; endpoints end theirs after 60."""
    warm_seconds: float = 0.0
    """How long the next session is kept ready after a conversation, so that the wake word need not wait for it."""
    failover_seconds: float = 4.0
    """Seconds that an endpoint may take to be ready while another one could answer."""


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """The control socket and the log."""

    socket: str = "/run/speakerd/control.sock"
    """Where the command line reaches the running service."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged; transcripts, audio and keys never are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings; the defaults are those of a fresh installation."""

    board: str = "breadboard"
    """The hardware profile: a folder in `hardware/`, or "none" for a machine without buttons and LEDs."""
    state_folder: str = ""
    """Where timers and volume are kept; empty means systemd's STATE_DIRECTORY, else ~/.local/state/speakerd."""
    wake_word: WakeWordSettings = field(default_factory=WakeWordSettings)
    audio: AudioSettings = field(default_factory=AudioSettings)
    endpoint: EndpointSettings = field(default_factory=EndpointSettings)
    conversation: ConversationSettings = field(default_factory=ConversationSettings)
    offline: OfflineSettings = field(default_factory=OfflineSettings)
    tools: ToolSettings = field(default_factory=ToolSettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    home_assistant: HomeAssistantSettings = field(default_factory=HomeAssistantSettings)
    mqtt: MqttSettings = field(default_factory=MqttSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    control: ControlSettings = field(default_factory=ControlSettings)


def load(path: Path | None, environment: Mapping[str, str] = MappingProxyType({})) -> Settings:
    """Settings from a TOML file; raises ConfigurationError with one sentence that names the file and the key.

    A variable SPEAKERD_SECTION__KEY goes before the file's `section.key`. Without a file everything else is default.
    """
    table = settings_toml.overridden(settings_toml.read(path) if path else {}, environment)
    try:
        return parse(table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path or 'the environment'}: {error}") from error


def parse(table: dict[str, object]) -> Settings:
    """Settings from a parsed TOML document; raises ConfigurationError."""
    settings = settings_toml.built(Settings, table)
    _check_ranges(settings)
    return settings


def _check_ranges(settings: Settings) -> None:
    bounds: settings_endpoint.Bounds = {
        **settings_endpoint.bounds(settings.endpoint),
        "wake_word.threshold": (settings.wake_word.threshold, 0.01, 1.0),
        "wake_word.night_threshold": (settings.wake_word.night_threshold, 0.0, 1.0),
        "wake_word.window_frames": (settings.wake_word.window_frames, 0, 12),
        "wake_word.patience_frames": (settings.wake_word.patience_frames, 1, settings.wake_word.window_frames or 12),
        "wake_word.adaptive_range": (settings.wake_word.adaptive_range, 0.0, 0.4),
        "wake_word.keep_clips": (settings.wake_word.keep_clips, 0, 20),
        "wake_word.clips_days": (settings.wake_word.clips_days, 0.01, 365.0),
        "wake_word.refractory_seconds": (settings.wake_word.refractory_seconds, 0.0, 60.0),
        "audio.input_channel": (settings.audio.input_channel, 0, 8),
        "audio.input_gain_db": (settings.audio.input_gain_db, -20.0, 40.0),
        "audio.volume": (settings.audio.volume, 0.0, 1.0),
        "audio.preroll_ms": (settings.audio.preroll_ms, 0, 5000),
        "conversation.end_silence_ms": (settings.conversation.end_silence_ms, 200, 5000),
        "conversation.speech_threshold": (settings.conversation.speech_threshold, 0.0, 1.0),
        "conversation.prefix_ms": (settings.conversation.prefix_ms, 0, 2000),
        "audio.tail_ms": (settings.audio.tail_ms, 0, 2000),
        "audio.lead_in_ms": (settings.audio.lead_in_ms, 0, 2000),
        "conversation.listening_seconds": (settings.conversation.listening_seconds, 1.0, 120.0),
        "conversation.utterance_seconds": (settings.conversation.utterance_seconds, 5.0, 600.0),
        "conversation.thinking_seconds": (settings.conversation.thinking_seconds, 2.0, 300.0),
        "conversation.speaking_seconds": (settings.conversation.speaking_seconds, 10.0, 3600.0),
        "conversation.ringing_seconds": (settings.conversation.ringing_seconds, 5.0, 3600.0),
        "conversation.hold_seconds": (settings.conversation.hold_seconds, 0.2, 5.0),
        "conversation.most_tool_calls": (settings.conversation.most_tool_calls, 1, 100),
        "conversation.most_turns": (settings.conversation.most_turns, 0, 1000),
        "conversation.most_minutes": (settings.conversation.most_minutes, 0.0, 1440.0),
        "conversation.rollover_minutes": (settings.conversation.rollover_minutes, 1.0, 1440.0),
        "conversation.warm_seconds": (settings.conversation.warm_seconds, 0.0, 600.0),
        "conversation.failover_seconds": (settings.conversation.failover_seconds, 0.5, 60.0),
        "offline.words_per_minute": (settings.offline.words_per_minute, 80, 450),
        "offline.silence_ms": (settings.offline.silence_ms, 200, 3000),
        "tools.approval_seconds": (settings.tools.approval_seconds, 5.0, 300.0),
        "tools.most_calls_per_minute": (settings.tools.most_calls_per_minute, 1, 1000),
        "tools.waiting_cue_seconds": (settings.tools.waiting_cue_seconds, 0.0, 60.0),
        "tools.deadline_seconds": (settings.tools.deadline_seconds, 0.1, 120.0),
        **settings_budget.bounds(settings.budget),
        **settings_mcp.bounds(settings.mcp, settings.home_assistant),
        **settings_mqtt.bounds(settings.mqtt),
    }
    for number, other in enumerate(settings.wake_word.others, 1):
        row = f"wake_word.others[{number}]"
        bounds[f"{row}.threshold"] = other.threshold, 0.0, 1.0
        bounds[f"{row}.patience_frames"] = other.patience_frames, 0, settings.wake_word.window_frames or 12
    for key, (value, low, high) in bounds.items():
        if not low <= value <= high:
            raise ConfigurationError(f'"{key}" must be from {low} to {high}, not {value}.')
    _check_others(settings.wake_word)
    settings_endpoint.check_addresses(settings.endpoint)
    settings_budget.check_prices(settings.budget)
    settings_commands.check_commands(settings.tools.commands)
    settings_mcp.check_servers(settings.mcp, settings.home_assistant)
    settings_tools.check_policy(settings.tools)
    settings_mqtt.check_names(settings.mqtt)


def _check_others(wake_word: WakeWordSettings) -> None:
    seen = {wake_word.word}
    for number, other in enumerate(wake_word.others, 1):
        row = f"wake_word.others[{number}]"
        if other.word in seen:
            raise ConfigurationError(f'"{row}.word" must not be {other.word} again: each wake word can be named once.')
        if (other.action == "tool") != bool(other.tool):
            raise ConfigurationError(f'"{row}.tool" must be named exactly where the action is "tool".')
        seen.add(other.word)
