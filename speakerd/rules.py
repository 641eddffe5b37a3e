"""What the core must know of the owner's settings."""

from __future__ import annotations

from collections.abc import Sequence

from speakerd.audio.pcm import WAKE_RATE_HZ
from speakerd.core.budget import Budget
from speakerd.core.default_policy import DEFAULT_POLICY
from speakerd.core.endpoints import EndpointRule
from speakerd.core.policy import PolicyRule, Verdict
from speakerd.core.state import Rules
from speakerd.core.turns import words
from speakerd.realtime.asked import plain
from speakerd.realtime.endpoint import Endpoint
from speakerd.reloading import word_actions
from speakerd.settings import PolicyRow, Settings
from speakerd.settings_budget import BudgetSettings, nano_usd

_CLOSING_SECONDS = 2.0
"""An endpoint that does not answer says so itself first; this is for one that hangs."""


def rules(settings: Settings, endpoints: Sequence[Endpoint]) -> Rules:
    """The rules of these settings, in which nothing is "auto" any more; `endpoints` are those that they name."""
    talk = settings.conversation
    return Rules(
        endpoints=tuple(EndpointRule(each.name, each.bills, each.unix_socket is not None) for each in endpoints),
        budget=_budget(settings.budget),
        opening_seconds=max(each.connect_seconds for each in endpoints) + _CLOSING_SECONDS,
        failover_seconds=talk.failover_seconds,
        rollover_seconds=talk.rollover_minutes * 60.0,
        conversation_seconds=talk.most_minutes * 60.0,
        most_turns=talk.most_turns,
        end_phrases=frozenset(words(phrase) for phrase in talk.end_phrases),
        warm_seconds=talk.warm_seconds,
        facts=talk.facts,
        listening_seconds=talk.listening_seconds,
        utterance_seconds=talk.utterance_seconds,
        thinking_seconds=talk.thinking_seconds,
        speaking_seconds=talk.speaking_seconds,
        ringing_seconds=talk.ringing_seconds,
        hold_seconds=talk.hold_seconds,
        preroll_samples=settings.audio.preroll_ms * WAKE_RATE_HZ // 1000,
        follow_up=talk.follow_up,
        full_duplex=settings.audio.duplex == "full",
        turn_cues=settings.audio.cues == "all",
        local_turns=talk.turns in ("local", "push"),
        push_to_talk=talk.turns == "push",
        most_tool_calls=talk.most_tool_calls,
        policy=(*map(_rule, settings.tools.policy), *DEFAULT_POLICY),
        approval_seconds=settings.tools.approval_seconds,
        most_calls_per_minute=settings.tools.most_calls_per_minute,
        waiting_cue_seconds=settings.tools.waiting_cue_seconds,
        words=word_actions(settings.wake_word),
    )


def _rule(row: PolicyRow) -> PolicyRule:
    arguments = (text.partition("=") for text in row.arguments)
    return PolicyRule(row.tool, Verdict(row.verdict), tuple((name, plain(pattern)) for name, _, pattern in arguments))


def _budget(budget: BudgetSettings) -> Budget:
    limits = (budget.day_warning_usd, budget.day_cap_usd, budget.month_cap_usd, budget.conversation_cap_usd)
    return Budget(*map(nano_usd, limits))
