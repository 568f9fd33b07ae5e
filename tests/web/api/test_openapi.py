"""The OpenAPI document says what the application does."""

import re

from flask.testing import FlaskClient


def test_every_route_is_documented_and_every_documented_route_is_there(api: FlaskClient) -> None:
    document = api.get("/api/v1/openapi.json").get_json()

    documented = {(method.upper(), path) for path, operations in document["paths"].items() for method in operations}
    routed = {
        (method, re.sub(r"<(?:path:)?(\w+)>", r"{\1}", rule.rule))
        for rule in api.application.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert documented == routed


def test_every_reference_has_a_target(api: FlaskClient) -> None:
    text = api.get("/api/v1/openapi.json").text
    document = api.get("/api/v1/openapi.json").get_json()

    for kind, name in re.findall(r'"#/components/(\w+)/(\w+)"', text):
        assert name in document["components"][kind]


def test_answers_have_the_documented_keys(api: FlaskClient) -> None:
    schemas = api.get("/api/v1/openapi.json").get_json()["components"]["schemas"]
    api.post(
        "/api/v1/actions",
        data=b'{"run_id":"r","status":"ERROR","message":"m"}\n{"run_id":"r","status":"?"}\n',
        content_type="application/x-ndjson",
    )

    run = api.get("/api/v1/runs/r").get_json()
    action = api.get("/api/v1/runs/r/actions").get_json()["items"][0]
    problem = api.get("/api/v1/runs/r/problems").get_json()["items"][0]
    error = api.get("/api/v1/runs/s").get_json()

    for name, answer in {"Run": run, "Action": action, "Problem": problem, "Error": error}.items():
        assert set(answer) == set(schemas[name]["properties"]), name


def test_the_readable_docs_show_every_operation(api: FlaskClient) -> None:
    document = api.get("/api/v1/openapi.json").get_json()

    page = api.get("/api/v1/docs").text

    for operations in document["paths"].values():
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page
