import hashlib
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

WEB = Path(__file__).parents[3] / "web"


@pytest.mark.parametrize(
    "address", ["/", "/runs", "/runs/broken", "/sql", "/nowhere", "/static/site.css", "/api/v1/runs"]
)
def test_every_answer_forbids_foreign_and_inline_content(pages: FlaskClient, address: str) -> None:
    with pages.get(address) as response:
        headers = response.headers

    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"


def status_of(pages: FlaskClient, address: str) -> int:
    with pages.get(address) as response:
        return response.status_code


@pytest.mark.parametrize("address", ["/", "/runs", "/runs/broken", "/runs/live", "/sql"])
def test_no_page_has_a_style_or_script_of_its_own(pages: FlaskClient, address: str) -> None:
    html = pages.get(address).text

    assert re.findall(r"\sstyle=|<style|\son\w+=|javascript:", html) == []
    assert re.findall(r"<script[^>]*></script>", html) == re.findall(r"<script.*?</script>", html, re.DOTALL)


@pytest.mark.parametrize("address", ["/", "/runs/broken", "/sql"])
def test_everything_a_page_loads_is_there_and_our_own(pages: FlaskClient, address: str) -> None:
    loaded = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="([^"]+)"', pages.get(address).text)

    assert len(loaded) > 4
    assert {address: status_of(pages, address) for address in loaded} == dict.fromkeys(loaded, 200)


def test_styles_and_scripts_stay_small_and_plain() -> None:
    styles = {path.name: path.read_text(encoding="utf-8") for path in (WEB / "static").glob("*.css")}
    scripts = {path.name: path.read_text(encoding="utf-8") for path in (WEB / "static").glob("*.js")}

    assert {name for name, text in styles.items() if text.count("\n") >= 300} == set()
    assert {name for name, text in scripts.items() if text.count("\n") >= 100} == set()
    assert {
        name
        for name, text in styles.items()
        if "!important" in text or re.search(r"(?m)^[^{;:]*#[a-z][\w-]*[^;]*\{", text)
    } == set()


def test_every_colour_of_the_sheets_is_a_token() -> None:
    used = {
        name
        for path in (*(WEB / "static").glob("*.css"), *(WEB / "static").glob("*.js"))
        for name in re.findall(r"var\((--[\w-]+)", path.read_text(encoding="utf-8"))
    }
    tokens = set(re.findall(r"^\s+(--[\w-]+):", (WEB / "static/variables.css").read_text(encoding="utf-8"), re.M))
    sheets = "".join((WEB / "static" / name).read_text(encoding="utf-8") for name in ("site.css", "tables.css"))

    assert used - tokens == {"--wash"}
    assert tokens - used == set()
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb\(", sheets) == []


def test_the_vendored_script_is_the_one_its_note_names() -> None:
    digest = hashlib.sha256((WEB / "static/vendor/htmx.min.js").read_bytes()).hexdigest()

    assert digest in (WEB / "static/vendor/README.md").read_text(encoding="utf-8")


def test_answer_tells_how_long_it_took(pages: FlaskClient) -> None:
    with pages.get("/runs") as response:
        assert re.fullmatch(r"app;dur=\d+\.\d", response.headers["Server-Timing"])
