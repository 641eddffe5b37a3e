"""The settings of tools: what they may do, and who has to agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from speakerd.errors import ConfigurationError
from speakerd.settings_commands import CommandRow


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A rule for some calls of the model."""

    tool: str
    """The tool's name; here and below * stands for anything, and case does not matter."""
    verdict: Literal["allow", "confirm", "button", "deny"]
    """allow runs it, confirm asks for the button or a spoken code, button for the button, deny never runs it."""
    arguments: tuple[str, ...] = ()
    """What must be asked of it, such as "domain=lock" or "*=*garage*"; all of these, in any argument for "*". Of an
    argument that is a list one is enough, but for allow, which takes all."""


@dataclass(frozen=True, slots=True)
class ToolSettings:
    """What the assistant may do."""

    demo_home: bool = False
    """Offer a pretended home with lights, to try the speaker without one."""
    deadline_seconds: float = 10.0
    """Seconds after which a tool that has not answered is given up."""
    approval_seconds: float = 30.0
    """How long a call waits for your hand or word, if it needs one."""
    waiting_cue_seconds: float = 4.0
    """Seconds that a tool may take before a sound says that it still runs, and again after as many; 0 means never."""
    most_calls_per_minute: int = 30
    """Most calls within a minute, whoever asked; more are refused."""
    commands: tuple[CommandRow, ...] = ()
    """Programs that the assistant may run: instead of this line a table [[tools.commands]] for each, as below."""
    policy: tuple[PolicyRow, ...] = ()
    """Who has to agree to what, before our own rules against unlocking, disarming, opening doors, buying and shells:
    instead of this line a table [[tools.policy]] for each; the first that fits counts."""


def check_policy(tools: ToolSettings) -> None:
    """Raises ConfigurationError for a rule that could never fit."""
    for number, row in enumerate(tools.policy, 1):
        if not row.tool:
            raise ConfigurationError(f'"tools.policy[{number}].tool" must name a tool; "*" means any.')
        for text in row.arguments:
            if not text.partition("=")[1]:
                raise ConfigurationError(
                    f'"tools.policy[{number}].arguments" must be such as "domain=lock", not {text!r}.'
                )
