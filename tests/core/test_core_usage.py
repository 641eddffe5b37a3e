"""What an endpoint bills, before anything else is known of it."""

from __future__ import annotations

from dataclasses import astuple

from speakerd.core.usage import Billed, Usage


def test_what_was_not_used_costs_nothing() -> None:
    assert set(astuple(Usage())) == {0}


def test_what_is_billed_is_no_guess_unless_it_is_said_to_be() -> None:
    billed = Billed(1, 1, "cloud", "model", "r1", "response", Usage())
    assert (billed.status, billed.estimated, billed.bills) == ("completed", False, True)
