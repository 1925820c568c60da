"""The description and the routes say the same."""

from typing import cast

import pytest
from openapi_spec_validator import validate

from node.api.encoding import JsonValue
from node.api.server import create_app
from node.api.settings import ApiSettings
from node.duties.status import Reason
from tests.unit.api.client import SPEC, Json, validate_value
from tests.unit.api.node import SyntheticNode
from tests.unit.burns.world import burn_world

PATHS = cast(Json, SPEC["paths"])


def test_openapi__as_committed__is_valid() -> None:
    validate(SPEC)


async def test_openapi__against_the_application__has_each_route_and_no_other() -> None:
    async with burn_world() as world:
        app = create_app(SyntheticNode(world), ApiSettings())
    served = {(route.resource.canonical, route.method) for route in app.router.routes() if route.resource is not None}
    described = {
        (path, method)
        for path, item in PATHS.items()
        for method in (("GET", "HEAD") if "get" in cast(Json, item) else ("POST",))
    }
    assert served == described


def test_openapi__of_each_route__names_its_path_parameters_an_id_and_a_default_error() -> None:
    ids = []
    for path, item in PATHS.items():
        get = cast(Json, cast(Json, item).get("get") or cast(Json, item)["post"])
        ids.append(get["operationId"])
        assert "default" in cast(Json, get["responses"]), path
        names = [_resolved(one)["name"] for one in cast(list[Json], get.get("parameters", []))]
        assert all(part[1:-1] in names for part in path.split("/") if part.startswith("{")), path
    assert len(set(ids)) == len(ids)


def test_openapi__reasons__are_those_of_the_status_in_order() -> None:
    reason = cast(Json, cast(Json, cast(Json, SPEC["components"])["schemas"])["Reason"])
    assert reason["enum"] == [one.value for one in Reason]


@pytest.mark.parametrize("path", sorted(PATHS))
def test_openapi__examples_of_answers__fit_their_schemas(path: str) -> None:
    item = cast(Json, PATHS[path])
    responses = cast(Json, cast(Json, item.get("get") or item["post"])["responses"])
    for response in responses.values():
        for media in cast("dict[str, Json]", _resolved(cast(Json, response)).get("content", {})).values():
            if "example" in media:
                validate_value(cast(Json, _absolute(media["schema"])), media["example"])


def _resolved(value: Json) -> Json:
    if "$ref" not in value:
        return value
    found: object = SPEC
    for part in str(value["$ref"])[2:].split("/"):
        found = cast(Json, found)[part]
    return cast(Json, found)


def _absolute(schema: JsonValue) -> JsonValue:
    """The schema with its references led to the whole description."""
    if isinstance(schema, dict):
        return {key: f"spec{item}" if key == "$ref" else _absolute(item) for key, item in schema.items()}
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema
