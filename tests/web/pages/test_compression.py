import gzip

import pytest
from flask.testing import FlaskClient

GZIP = {"Accept-Encoding": "gzip, br"}
EDITOR = "/static/vendor/codemirror.js"


@pytest.mark.parametrize(
    "address", ["/runs", "/sql", "/api/v1/docs", EDITOR, "/static/site.css", "/api/v1/openapi.json"]
)
def test_text_goes_compressed_to_whoever_takes_that(pages: FlaskClient, address: str) -> None:
    plain = pages.get(address)
    packed = pages.get(address, headers=GZIP)

    assert plain.headers.get("Content-Encoding") is None
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2
    assert len(gzip.decompress(packed.data)) == pytest.approx(len(plain.data), rel=0.02)  # pages have ids of their own


def test_a_file_that_is_known_is_not_sent_again(pages: FlaskClient) -> None:
    first = pages.get(EDITOR, headers=GZIP)

    with pages.get(EDITOR, headers={**GZIP, "If-None-Match": first.headers["ETag"]}) as again:
        assert (again.status_code, again.data) == (304, b"")

    assert first.headers["ETag"].startswith('W/"')


def test_downloads_and_what_is_small_are_left_alone(pages: FlaskClient) -> None:
    download = pages.post("/sql.json", data={"sql": "from range(2000)"}, headers=GZIP)
    small = pages.get("/static/favicon.svg", headers=GZIP)

    assert "Content-Encoding" not in download.headers
    assert len(download.data) > 1000
    assert "Content-Encoding" not in small.headers
