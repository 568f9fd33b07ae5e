"""Why problems happen, on messages of real tools and of the systems people synchronize."""

import pytest

from ingest.errors import SettingsError
from query.causes import load_causes

REAL = (
    (None, 'rsync: [sender] opendir "/srv/src/sub" failed: Permission denied (13)', "permission"),
    ("403", "No permission to write 'Payroll': record 5 belongs to another workspace", "permission"),
    (None, "The request failed with status code 401", "permission"),
    (None, "Failed to copy: open /data/dst/new-7.txt: is a directory", "configuration"),
    (None, "Conversion Error: Could not convert string 'Ada' to INT32", "configuration"),
    (None, "Config validation error: 'sixty' is not of type 'integer'", "configuration"),
    (None, 'Config file "/data/rclone.conf" not found - using defaults', "configuration"),
    (None, "Query error: No matching signature for function TIMESTAMP_TRUNC for argument types", "configuration"),
    ("422", "Mandatory field businessCriticality missing on 'Payroll' (a1)", "configuration"),
    (None, "[warning] phone truncated for contact 2", "configuration"),
    (None, "[CONFLICT] Skipping f2.txt", "data"),
    (None, "error: contacts/c: One item changed on both sides. Resolve this conflict manually", "data"),
    (None, "file not in Local file system at /srv/dst", "data"),
    (None, "Got 1 result, configured to fail if != 0", "data"),
    (None, "HTTP 409 record locked: 003000000000002", "data"),
    ("ambiguous-match", "Several candidates for 'Payroll', took record 7", "data"),
    (None, "ERROR i.a.i.s.x.Source(read):99 - connection reset", "network"),
    ("504", "Target not reachable while writing 'Payroll' (a1): timed out after 30 s", "network"),
    ("403", "API rate limit exceeded for installation", "network"),
    (None, "Task failed with exception", "program"),
    (None, "FAILED: PipelineStepFailed Pipeline execution failed at `step=extract`", "program"),
    (None, "Failure in test accepted_values (models/schema.yml)", "other"),
    (None, "not deleting files as there were IO errors", "other"),
    (None, None, "other"),
)  # fmt: skip


@pytest.mark.parametrize(("code", "message", "name"), REAL)
def test_failures_of_real_tools_have_their_class(code, message, name):
    assert load_causes().find(code, message).name == name


def test_every_class_says_what_to_do_and_who_can():
    for cause in load_causes().classes.values():
        assert all((cause.title, cause.meaning, cause.advice, cause.who))


def test_rules_of_ones_own_go_first_and_may_name_new_classes(tmp_path):
    own = tmp_path / "causes.toml"
    own.write_text("""
[classes.backlog]
title = "Known backlog"
meaning = "The other team knows."
advice = "Wait."
who = "the other team"

[[rules]]
class = "backlog"
codes = ["E77"]
words = ["belongs to another workspace"]
""")

    causes = load_causes(own)

    assert causes.find("e77", None).title == "Known backlog"
    assert causes.find("403", "record 5 belongs to  another workspace").name == "backlog"
    assert causes.find("403", "no").name == "permission"


@pytest.mark.parametrize(("text", "said"), [
    ("[[rules]]\nclass = 'nobody'\ncodes = ['1']", "rule 1 has no class"),
    ("[[rules]]\nclass = 'data'", "rule 1 matches nothing"),
    ("[[rules]]\nclass = 'data'\nword = ['x']", "a key nobody reads: word"),
    ("[classes.x]\ntitle = 'X'", "class x"),
    ("[[rule]]\nclass = 'data'", "a key nobody reads: rule"),
    ("rules = 3", "there are tables"),
    ("[[rules]]\nclass = 'data'\nwords = ['a*b']", "at the end of words only"),
    ("not toml", "is not TOML"),
])  # fmt: skip
def test_a_file_that_cannot_be_meant_is_refused_with_the_place(tmp_path, text, said):
    own = tmp_path / "causes.toml"
    own.write_text(text)

    with pytest.raises(SettingsError, match=said) as error:
        load_causes(own)

    assert error.value.field == "causes"


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingsError, match="nowhere"):
        load_causes(tmp_path / "nowhere.toml")
