"""Writes docs/reference from the code; ``--check`` only says which page is stale and ends with 1.

What people look up is never typed twice: commands come from the Click tree, routes from the OpenAPI document, settings
from the Settings class, columns from the Arrow schemas.
"""

import ast
import inspect
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

import click  # noqa: TID251 - reads the command tree that web/ built
import pyarrow as pa

from ingest import schema
from web.app import create_app
from web.cli import main as command
from web.settings import Settings
from web.workspace import open_workspace

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py (make docs); do not edit. -->"


def main() -> int:
    pages = {
        "command.md": command_page(),
        "api.md": api_page(openapi_document()),
        "settings.md": settings_page(),
        "lake.md": lake_page(),
    }
    if sys.argv[1:] == ["--check"]:
        stale = [name for name, text in pages.items() if not _is_current(REFERENCE / name, text)]
        for name in stale:
            print(f"docs/reference/{name} is stale: run make docs", file=sys.stderr)
        return 1 if stale else 0
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages.items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
    return 0


def command_page() -> str:
    lines = [NOTE, "# The command", "", "The same text as `synclog COMMAND --help`.", ""]
    for context in walk_commands(command, "synclog", None):
        lines += [f"## {context.command_path}", "", "```text", context.get_help().rstrip(), "```", ""]
    return "\n".join(lines)


def walk_commands(each: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    """The contexts of a command and all its subcommands, as when they are called; hidden ones left out."""
    settings = {"terminal_width": 100, "max_content_width": 100, **each.context_settings}
    context = click.Context(each, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(each, click.Group):
        for child_name, child in sorted(each.commands.items()):
            if not child.hidden:
                yield from walk_commands(child, child_name, context)


def openapi_document() -> dict[str, Any]:  # a JSON document
    """What a server answers at /api/v1/openapi.json."""
    with tempfile.TemporaryDirectory() as data, open_workspace(Settings(data=Path(data))) as workspace:
        answer = create_app(workspace).test_client().get("/api/v1/openapi.json")
        document: dict[str, Any] = answer.get_json()
    return document


def api_page(document: dict[str, Any]) -> str:
    base = document.get("servers", [{"url": ""}])[0]["url"].rstrip("/")
    lines = [
        NOTE,
        "# The HTTP API",
        "",
        "A running server has the same as an OpenAPI document at `/api/v1/openapi.json`, and pages to read at",
        "`/api/v1/docs`. Errors have one shape everywhere: [errors](../errors.md).",
        "",
    ]
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            if method in ("get", "post", "put", "patch", "delete"):
                lines += _route(f"{method.upper()} {base}{path}", route, document)
    return "\n".join(lines)


def _route(title: str, route: dict[str, Any], document: dict[str, Any]) -> list[str]:
    lines = [f"## {title}", "", _sentence(route.get("summary", "")), ""]
    if route.get("description"):
        lines += [route["description"].strip(), ""]
    parameters = [_resolved(parameter, document) for parameter in route.get("parameters", [])]
    if parameters:
        lines += ["| parameter | in | type | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{each['name']}` | {each['in']} | {_type_of(each.get('schema', {}))} | {_cell(each)} |"
            for each in parameters
        ]
        lines.append("")
    content = _resolved(route.get("requestBody", {}), document).get("content", {})
    if content:
        lines += [f"Body: {', '.join(f'`{media}`' for media in content)}.", ""]
    lines += ["| answer | meaning |", "|---|---|"]
    for status, answer in route.get("responses", {}).items():
        lines.append(f"| {status} | {_cell(_resolved(answer, document))} |")
    return [*lines, ""]


def _resolved(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """The value itself, or what its ``$ref`` points at."""
    if "$ref" not in value:
        return value
    found: dict[str, Any] = document
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def _type_of(described: dict[str, Any]) -> str:
    if "enum" in described:
        return ", ".join(f"`{word}`" for word in described["enum"])
    if described.get("type") == "array":
        return f"{_type_of(described.get('items', {}))}, repeatable"
    kinds = described.get("type", "string")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"{kind} ({described['format']})" if "format" in described else kind


def _cell(described: dict[str, Any]) -> str:
    return " ".join(str(described.get("description", "")).split()).replace("|", "\\|")


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def settings_page() -> str:
    meanings = field_meanings(Settings)
    lines = [
        NOTE,
        "# Settings",
        "",
        "A flag of the command wins over the environment, the environment over the file `synclog.toml` in the working",
        "folder, the file over the default. An unknown key stops the start. Numbers may have underscores.",
        "",
        "| key | environment | type | default | meaning |",
        "|---|---|---|---|---|",
    ]
    for each in fields(Settings):
        cells = (
            f"`{each.name}`",
            f"`SYNCLOG_{each.name.upper()}`",
            _type_name(each),
            _default(each),
            meanings[each.name],
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def field_meanings(described: type) -> dict[str, str]:
    """The text below each field of a dataclass."""
    body = ast.parse(textwrap.dedent(inspect.getsource(described))).body[0]
    assert isinstance(body, ast.ClassDef)
    meanings: dict[str, str] = {each.name: "" for each in fields(described)}
    for field, text in zip(body.body, body.body[1:], strict=False):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and is_text:
            meanings[field.target.id] = " ".join(str(text.value.value).split())
    return meanings


def _type_name(each: Field[Any]) -> str:
    name = each.type.__name__ if isinstance(each.type, type) else str(each.type)
    return {
        "Path": "path",
        "int": "whole number",
        "str": "text",
        "str | None": "text",
        "bool": "true or false",
        "Rules": "tables",
    }[name]


def _default(each: Field[Any]) -> str:
    if each.default is MISSING or each.default is None:
        return ""
    return f"`{each.default}`"


def lake_page() -> str:
    lines = [
        NOTE,
        "# Columns of the lake",
        "",
        f"Format {schema.FORMAT_VERSION}. Meanings, paths, footers and rules: [lake format](../lake-format.md).",
        "",
    ]
    tables = {"Actions": schema.ACTION_SCHEMA, "Run events": schema.RUN_EVENT_SCHEMA, "Rejects": schema.REJECT_SCHEMA}
    for title, columns in tables.items():
        lines += [f"## {title}", "", "| column | type | always there |", "|---|---|---|"]
        lines += [f"| `{each.name}` | {_arrow_type(each)} | {'no' if each.nullable else 'yes'} |" for each in columns]
        lines.append("")
    return "\n".join(lines)


def _arrow_type(each: pa.Field) -> str:
    return "text" if pa.types.is_string(each.type) else str(each.type)


def _is_current(page: Path, text: str) -> bool:
    return page.exists() and page.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
