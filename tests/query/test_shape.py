"""Every statement belongs to code, every column it names exists, and a lake without actions is nothing special."""

from contextlib import closing
from pathlib import Path

import duckdb
import pytest

import query
from query.statements import load

PACKAGE = Path(query.__file__).parent
NAMES = sorted(path.name.removesuffix(".sql") for path in (PACKAGE / "sql").iterdir())
LISTS = {"statuses", "operations", "batch_ids", "rows"}


@pytest.mark.parametrize("name", NAMES)
def test_statement_is_loaded_by_the_module_it_is_named_after(name):
    module = PACKAGE / f"{name.partition('.')[0]}.py"

    assert f'"{name}"' in module.read_text()


def test_code_loads_only_statements_that_exist():
    named = {
        word
        for module in PACKAGE.glob("*.py")
        for word in module.read_text().split('"')
        if word.startswith(f"{module.stem}.") and " " not in word
    }

    assert named == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_statement_explains_itself_in_its_head(name):
    head = [line for line in load(name).splitlines() if line.startswith("--")]

    assert head[0].endswith("?") or "?" in head[0]
    assert any(line.startswith("-- parameters:") for line in head)
    assert any(line.startswith("-- columns:") for line in head)


@pytest.mark.parametrize("name", NAMES)
def test_statement_is_one_select_without_a_star(name):
    [statement] = duckdb.extract_statements(load(name))

    assert statement.type == duckdb.StatementType.SELECT
    assert "select *" not in load(name)


@pytest.mark.parametrize("name", NAMES)
def test_statement_explains_on_an_empty_lake(world, name):
    [statement] = duckdb.extract_statements(load(name))
    parameters = dict.fromkeys(statement.named_parameters - {"files"})

    with closing(world.view.cursor()) as cursor:
        actions = cursor.sql("from actions_in($files)", params=world.view.bind([], {}))
        cursor.register("actions", actions)
        known = world.view.bind([], parameters) if "files" in statement.named_parameters else parameters
        plan = cursor.sql(f"explain {load(name)}", params=known or None).fetchall()

    assert plan
