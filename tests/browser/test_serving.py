"""How the page's files are served: with types, tags, and a policy that lets them talk to their own server only."""

import re

import aiohttp
import pytest

from node.api.settings import ApiSettings
from node.proof_server.page_routes import SECURITY_POLICY, page_routes
from tests.browser.visit import served
from tests.unit.burns.world import burn_world


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html"),
        ("/page/page.css", "text/css"),
        ("/page/page.js", "text/javascript"),
        ("/page/favicon.svg", "image/svg+xml"),
    ],
)
async def test_page__each_kind_of_file__has_its_type_its_policy_and_a_tag(path: str, content_type: str) -> None:
    async with (
        burn_world() as world,
        served(world, 1, ApiSettings(port=0)) as (_, url),
        aiohttp.ClientSession() as session,
    ):
        async with session.get(url + path) as answer:
            assert (answer.status, answer.content_type, answer.charset) == (200, content_type, "utf-8")
            assert answer.headers["Content-Security-Policy"] == SECURITY_POLICY
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            tag = answer.headers["ETag"]
        async with session.get(url + path, headers={"If-None-Match": tag}) as again:
            assert (again.status, await again.read()) == (304, b"")


async def test_page__whatever_it_names__is_served_and_is_its_own() -> None:
    async with (
        burn_world() as world,
        served(world, 1, ApiSettings(port=0)) as (_, url),
        aiohttp.ClientSession() as session,
    ):
        paths = {route.path for route in page_routes()}
        for path in paths:
            async with session.get(url + path) as answer:
                text = await answer.text()
            assert "//" not in re.sub(r"//(?: |www\.w3\.org/2000/svg)", "", text), f"{path} names another server"
            named = re.findall(r'(?:href|src)="([^"]+)"|from "\./([^"]+)"', text)
            assert {f"/page/{script}" if script else f"/{file}" for file, script in named} <= {*paths, "/openapi.yaml"}
