"""What the web page asks of its server: answers to its own pages alone, and a folder for what is uploaded that nobody else can read."""

import atexit
import ipaddress
import os
import shutil
import signal
import tempfile
from typing import Any

HERE = ("localhost", "127.0.0.1", "[::1]")  # names of this machine


def private_folder() -> str:
    """Let everything temporary of this process lie in a folder of its own (mode 700), Gradio's too, which goes when the process ends."""
    tempfile.tempdir = folder = tempfile.mkdtemp(prefix="clipcast-")
    os.environ["GRADIO_TEMP_DIR"] = os.path.join(folder, "gradio")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end, it ends as by Ctrl-C
    return folder


def guards(host: str) -> list[Any]:
    """Middleware for a page that is served on the address `host`.

    Requests of other sites' pages are refused, and on an address of this machine alone those for another host, which come from a
    site that calls itself by this machine's address.
    """
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    allowed = [*HERE, f"[{host}]" if ":" in host else host] if _this_machine(host) else ["*"]
    return [Middleware(TrustedHostMiddleware, allowed_hosts=allowed, www_redirect=False), Middleware(OwnOrigin)]


class OwnOrigin:
    """Refuses, with 403, what a browser sends for a page of another site; what is no browser names no origin."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or hand it on."""
        from starlette.responses import PlainTextResponse

        headers = dict(scope.get("headers", ()))
        origin, host = (headers.get(name, b"").decode("latin-1").lower() for name in (b"origin", b"host"))
        # behind a proxy the names differ, but the browser itself says whether the page that asks is ours
        own = not origin or origin.partition("://")[2] == host or headers.get(b"sec-fetch-site") == b"same-origin"
        await (self.app if own else PlainTextResponse("a page of another site may not ask this", 403))(scope, receive, send)


def _this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
