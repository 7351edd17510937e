"""Whose requests the page's server answers; the whole page is asked in tests/test_app.py."""

import asyncio

import pytest

from machine.server import guards


def asked(served, /, **headers):
    """The status that a page served on `served` answers a request with."""
    pytest.importorskip("starlette", reason="needs the extra [app]")
    said = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message):
        said.append(message)

    for guard in reversed(guards(served)):
        app = guard.cls(app, *guard.args, **guard.kwargs)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(app(scope, None, send))
    return said[0]["status"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
def test_on_this_machine_only_its_own_names_are_answered(host):
    for name in ("127.0.0.1:7860", "localhost:7860", "[::1]:7860", "LOCALHOST"):
        assert asked(host, host=name) == 200
        assert asked(host, host=name, origin=f"http://{name}") == 200
    assert asked(host, host=f"[{host}]:1" if ":" in host else f"{host}:1") == 200
    for name in ("told.example:7860", "told.example", "127.0.0.1.told.example", "192.168.1.5", ""):
        assert asked(host, host=name) == 400


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::"])  # noqa: S104  (nothing is bound)
def test_for_everybody_any_host_is_answered(host):
    assert asked(host, host="clips.example:7860") == 200
    assert asked(host, host="clips.example", origin="https://clips.example") == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
@pytest.mark.parametrize("origin", ["http://told.example", "http://127.0.0.1:80", "http://127.0.0.1", "null", "http://[", "127.0.0.1:7860"])
def test_pages_of_other_sites_are_refused(host, origin):
    assert asked(host, host="127.0.0.1:7860", origin=origin) == 403
