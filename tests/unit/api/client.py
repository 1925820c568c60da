"""A client that holds every answer against openapi.yaml: status, content type and schema."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import cast

import aiohttp
import yaml
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bridge.burns.service import ServiceLimits
from node.api.encoding import JsonValue
from node.api.routes_engine import EngineRpc
from node.api.settings import ApiSettings
from tests.unit.api.node import SyntheticNode, served_node

Json = dict[str, JsonValue]

SPEC: Json = yaml.safe_load(files("node.api").joinpath("openapi.yaml").read_text())
_REGISTRY: Registry[JsonValue] = Registry().with_resource("spec", Resource.from_contents(SPEC, DRAFT202012))


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that openapi.yaml allows."""

    status: int
    json: Json
    text: str
    headers: dict[str, str]

    @property
    def code(self) -> str:
        """The stable code of an error, in either form."""
        if "error" in self.json:
            return str(cast(Json, self.json["error"])["code"])
        details = cast(list[Json], self.json["details"])
        return str(details[0]["reason"])


@dataclass(frozen=True, slots=True)
class Client:
    """A client of one node."""

    node: SyntheticNode
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> Answer:
        """GET, checked against the description."""
        async with self.session.get(self.url + path) as response:
            text = await response.text()
            is_json = response.content_type == "application/json"
            body = cast(Json, await response.json()) if is_json else {}
            check(path, response.status, response.content_type, body)
            return Answer(response.status, body, text, dict(response.headers))


@asynccontextmanager
async def client_of_node(
    settings: ApiSettings | None = None,
    root_chains: int = 1,
    rpc: EngineRpc | None = None,
    limits: ServiceLimits | None = None,
) -> AsyncIterator[Client]:
    """A served synthetic node and a client of it."""
    async with served_node(settings, root_chains, rpc, limits) as served, aiohttp.ClientSession() as session:
        yield Client(served.node, served.url, session)


def described_path(path: str) -> str | None:
    """The path of openapi.yaml that this one is an instance of; fixed ones go first."""
    bare = path.split("?", maxsplit=1)[0]
    paths = sorted(cast(Json, SPEC["paths"]), key=lambda one: one.count("{"))
    return next((one for one in paths if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", one), bare)), None)


def check(path: str, status: int, content_type: str, body: Json) -> None:
    """Whether the description allows this answer."""
    described = described_path(path)
    if described is None:
        _validate("#/components/schemas/Error", body)
        return
    pointer = "#/paths/" + described.replace("~", "~0").replace("/", "~1") + "/get/responses"
    responses = cast(Json, cast(Json, cast(Json, cast(Json, SPEC["paths"])[described])["get"])["responses"])
    key = str(status) if str(status) in responses else "default"
    response = cast(Json, responses[key])
    pointer = f"{pointer}/{key}"
    if "$ref" in response:
        pointer = str(response["$ref"])
        name = pointer.rsplit("/", 1)[1]
        response = cast(Json, cast(Json, cast(Json, SPEC["components"])["responses"])[name])
    content = cast(Json, response["content"])
    assert content_type in content, f"{path}: {content_type} is not described for {key}"
    if content_type == "application/json":
        _validate(f"{pointer}/content/application~1json/schema", body)


def validate_value(schema: Json, value: object) -> None:
    """Hold a value against a schema whose references start with "spec#"."""
    OAS31Validator(schema, registry=_REGISTRY).validate(value)


def _validate(pointer: str, body: Json) -> None:
    validate_value({"$ref": f"spec{pointer}"}, body)
