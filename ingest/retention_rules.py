"""The rules of retention: how long rows stay, by outcome and integration. Nothing is removed unless a rule says so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What rules tell apart. INFO, WARNING and ERROR are failures: each belongs to a problem."""

    OK = "OK"
    FAILURE = "FAILURE"
    REJECT = "REJECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How many days rows stay after they were received; None is for ever.

    ``keep_examples``: the first and the last failure of each problem stay whatever their age.
    """

    ok_days: int | None = None
    failure_days: int | None = None
    reject_days: int | None = None
    keep_examples: bool = True

    def days_of(self, outcome: Outcome) -> int | None:
        match outcome:
            case Outcome.OK:
                return self.ok_days
            case Outcome.FAILURE:
                return self.failure_days
            case Outcome.REJECT:
                return self.reject_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A rule for each integration that has its own, and one for all others."""

    default: Rule = Rule()
    integrations: Mapping[str, Rule] = field(default_factory=dict)

    def of(self, integration: str | None) -> Rule:
        return self.default if integration is None else self.integrations.get(integration, self.default)

    @property
    def remove_something(self) -> bool:
        rules = (self.default, *self.integrations.values())
        return any(rule.days_of(outcome) is not None for rule in rules for outcome in Outcome)
