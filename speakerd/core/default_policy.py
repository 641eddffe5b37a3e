"""What needs a decision of the owner's before a model may do it; his own rules go before these.

Names are the home's, and tell nothing: a lock may be called "kitchen light". So Home Assistant's tools for anything
are bound to kinds of things, which Home Assistant itself keeps to: what could reach a lock or a garage is held back,
and what names harmless kinds alone is not. For tools that nobody has heard of there are words.
"""

from __future__ import annotations

from speakerd.core.policy import PolicyRule, Verdict

_OFF = (
    *("light", "switch", "fan", "media_player", "climate", "humidifier", "water_heater", "vacuum", "lawn_mower"),
    *("input_boolean", "cover", "valve", "remote", "todo"),
)
"""Kinds that may be turned off, which closes covers and valves."""
_ON = (
    *("light", "switch", "fan", "media_player", "climate", "humidifier", "water_heater", "vacuum", "lawn_mower"),
    *("input_boolean", "remote"),
)
_BY_HAND = ("scene", "script", "automation", "button", "input_button")
"""Kinds that may do anything: nobody knows what is in them."""
_ANY_ON = (*_ON, "lock", "cover", *_BY_HAND)
"""Kinds that may be turned on, some of them not by word alone; a lock is locked by that."""
_COVERS = ("awning", "blind", "curtain", "shade", "shutter")
"""Covers that nobody comes in by."""
_WAYS_IN = ("*garage*", "*gate*", "*door*", "*lock*")

_SAY_DOMAIN = (
    "error: not done: say which kind of thing is meant, in the argument domain, one of {}; no other is allowed"
)
_SAY_CLASS = "error: not done: say which covers are meant, in the argument device_class, one of {}; no other is allowed"
_NAME_ON, _NAME_OFF = (_SAY_DOMAIN.format(", ".join(kinds)) for kinds in (_ANY_ON, _OFF))
_NAME_COVER = _SAY_CLASS.format(", ".join(_COVERS))


def _denied(tool: str, *arguments: tuple[str, str]) -> PolicyRule:
    return PolicyRule(tool, Verdict.DENY, arguments)


def _only(tool: str, argument: str, kinds: tuple[str, ...], advice: str) -> PolicyRule:
    """No call of a tool, but one that is for these kinds alone."""
    return PolicyRule(tool, Verdict.DENY, unless=((argument, kinds),), advice=advice)


_HOME = (
    # Home Assistant opens by turning on, and unlocks and disarms by turning off.
    *(_denied(f"*Turn{way}*", ("domain", "alarm_control_panel")) for way in ("On", "Off")),
    _denied("*TurnOff*", ("domain", "lock")),
    PolicyRule(
        "*TurnOn*", Verdict.DENY, (("domain", "cover"),), unless=(("device_class", _COVERS),), advice=_NAME_COVER
    ),
    _only("*TurnOn*", "domain", _ANY_ON, _NAME_ON),
    _only("*TurnOff*", "domain", _OFF, _NAME_OFF),
    _only("*HassToggle*", "domain", _ON, _SAY_DOMAIN.format(", ".join(_ON))),
    _only("*SetPosition*", "device_class", _COVERS, _NAME_COVER),
    *(_only(f"*Open{thing}*", "device_class", _COVERS, _NAME_COVER) for thing in ("Cover", "Valve")),
    # A switch can be a garage's: there a name is all that there is.
    *(_denied("*TurnOn*", ("domain", "switch"), ("*", way)) for way in _WAYS_IN),
    *(PolicyRule("*TurnOn*", Verdict.BUTTON, (("domain", kind),)) for kind in _BY_HAND),
)
_WORDS = (
    *(_denied(f"*{word}*") for word in ("unlock", "disarm", "purchase", "checkout", "payment", "shell", "run_command")),
    *(
        _denied(word)
        for word in ("buy*", "*_buy*", "*-buy*", "pay_*", "*_pay", "*_pay_*", "order_*", "*_order", "*_order_*")
    ),
    *(_denied(word) for word in ("*exec*command*", "*run*code*", "*exec*code*", "*terminal*", "*sudo*")),
    *(_denied(f"*open*{way.strip('*')}*") for way in _WAYS_IN),
    *(_denied(f"{way}open*") for way in _WAYS_IN),
    *(_denied("*open*", ("*", way)) for way in _WAYS_IN),
    *(_denied(way, ("*", "open*")) for way in _WAYS_IN),
    # A tool that passes on the name of a service, as several servers for Home Assistant have one.
    *(_denied("*", ("*", f"{domain}{deed}")) for domain in ("", "lock.") for deed in ("unlock", "unlocked")),
    *(_denied("*", ("*", word)) for word in ("lock.open", "disarm", "disarmed", "alarm_disarm", "*.alarm_disarm")),
    *(_denied("*", ("*", word)) for word in ("open_cover", "*.open_cover", "open_valve", "*.open_valve")),
    _denied("*", ("*", "shell_command.*")),
    *(_denied("*", ("*", f"*{deed}"), ("*", thing)) for deed, thing in (("turn_off", "lock.*"), ("toggle", "lock.*"))),
    *(_denied("*", ("*", f"*{deed}"), ("domain", "lock")) for deed in ("turn_off", "toggle", "open")),
    *(_denied("*", ("*", f"*{deed}"), ("*", "cover.*")) for deed in ("turn_on", "toggle", "open")),
)
_SCRIPTS = (
    # Scripts of the home are tools of their own.
    *(PolicyRule(known, Verdict.ALLOW) for known in ("home_Hass*", "home_Get*", "home_*get_*", "home_todo*")),
    PolicyRule("home_*", Verdict.BUTTON),
)

DEFAULT_POLICY: tuple[PolicyRule, ...] = (*_HOME, *_WORDS, *_SCRIPTS)
"""In the order in which they are asked."""
