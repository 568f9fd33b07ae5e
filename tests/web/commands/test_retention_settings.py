"""Rules of retention as settings: read, refused with the key, handed to a child."""

from pathlib import Path

import pytest

from ingest.errors import SettingsError
from ingest.retention_rules import Rule, Rules
from web.settings import Settings, environment_of, load_settings

EXAMPLE = """
[retention.default]
ok_days = 30
failure_days = 365

[retention.integrations.servicenow]
ok_days = 7
keep_examples = false

[retention.integrations."pay roll"]
failure_days = "forever"
"""
RULES = Rules(
    default=Rule(ok_days=30, failure_days=365),
    integrations={
        "servicenow": Rule(ok_days=7, failure_days=365, keep_examples=False),
        "pay roll": Rule(ok_days=30),
    },
)


def load(tmp_path: Path, text: str, **environment: str) -> Settings:
    file = tmp_path / "synclog.toml"
    file.write_text(text)
    return load_settings({}, environment=environment, file=file)


def test_an_integration_says_only_what_is_different(tmp_path: Path) -> None:
    assert load(tmp_path, EXAMPLE).retention == RULES


def test_the_environment_has_the_tables_as_json_and_goes_before_the_file(tmp_path: Path) -> None:
    settings = load(tmp_path, EXAMPLE, SYNCLOG_RETENTION='{"default": {"ok_days": 3}}')

    assert settings.retention == Rules(default=Rule(ok_days=3))


@pytest.mark.parametrize("text", [EXAMPLE, ""])
def test_a_child_has_the_same_rules_whatever_file_it_finds(tmp_path: Path, text: str) -> None:
    settings = load(tmp_path, text)

    environment = environment_of(settings)

    assert load(tmp_path, "retention.default.ok_days = 1", **environment).retention == settings.retention


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("retention = 30", "retention"),
        ("retention = 'ok'", "retention"),
        ("[retention.servicenow]\nok_days = 7", "retention.servicenow"),
        ("[retention.default]\nokdays = 7", "retention.default.okdays"),
        ("[retention.default]\nok_days = 0", "retention.default.ok_days"),
        ("[retention.default]\nok_days = true", "retention.default.ok_days"),
        ("[retention.default]\nok_days = '7'", "retention.default.ok_days"),
        ("[retention.default]\nkeep_examples = 1", "retention.default.keep_examples"),
        ("[retention]\nintegrations = []", "retention.integrations"),
        ("[retention.integrations]\na = 7", "retention.integrations.a"),
        ("[retention.integrations.a]\nreject_days = -1", "retention.integrations.a.reject_days"),
        ("retain_hours = -1", "retain_hours"),
    ],
)
def test_a_bad_rule_is_refused_by_its_key(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(tmp_path, text)

    assert error.value.field == field
    assert field.rpartition(".")[2] in error.value.message
