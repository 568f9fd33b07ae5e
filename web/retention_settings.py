"""The ``[retention]`` tables of ``synclog.toml``: read into rules, and written for a child process.

``[retention.default]`` is for every integration; ``[retention.integrations.NAME]`` says what is different for one.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace

from ingest.errors import SettingsError
from ingest.retention_rules import Rule, Rules

FOREVER = "forever"

_RULE_KEYS = tuple(field.name for field in fields(Rule))


def read_rules(said: object) -> Rules:
    """Rules as tables, or in the environment as their JSON. Raises SettingsError naming the key."""
    tables = _table("retention", _parsed(said) if isinstance(said, str) else said, ("default", "integrations"))
    default = _rule("retention.default", tables.get("default", {}), Rule())
    integrations = _table("retention.integrations", tables.get("integrations", {}))
    return Rules(
        default=default,
        integrations={
            name: _rule(f"retention.integrations.{name}", table, default) for name, table in integrations.items()
        },
    )


def rules_as_json(rules: Rules) -> str:
    """What ``read_rules`` makes the same rules of."""
    integrations = {name: _rule_as_table(rule) for name, rule in rules.integrations.items()}
    return json.dumps({"default": _rule_as_table(rules.default), "integrations": integrations})


def _rule_as_table(rule: Rule) -> dict[str, object]:
    return {name: FOREVER if value is None else value for name, value in asdict(rule).items()}


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(
            f"retention is not the JSON of its tables: {error}",
            field="retention",
            hint='for example {"default": {"ok_days": 30}}',
        ) from error


def _rule(place: str, said: object, base: Rule) -> Rule:
    table = _table(place, said, _RULE_KEYS)
    days = {key: _days(f"{place}.{key}", value) for key, value in table.items() if key != "keep_examples"}
    keep_examples = table.get("keep_examples", base.keep_examples)
    if not isinstance(keep_examples, bool):
        key = f"{place}.keep_examples"
        raise SettingsError(f"{key} is true or false, not {keep_examples!r}", field=key)
    return replace(base, **days, keep_examples=keep_examples)


def _table(place: str, said: object, known: tuple[str, ...] | None = None) -> Mapping[str, object]:
    if not isinstance(said, dict):
        raise SettingsError(f"{place} is a table, not {said!r}", field=place)
    for key in said:
        if known is not None and key not in known:
            raise SettingsError(
                f"{place} has a key nobody reads: {key}",
                field=f"{place}.{key}",
                hint=f"known are: {', '.join(known)}; one integration has [retention.integrations.NAME]",
            )
    return said


def _days(key: str, value: object) -> int | None:
    if value == FOREVER:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise SettingsError(f'{key} is a number of days from 1, or "{FOREVER}", not {value!r}', field=key)
    return value
