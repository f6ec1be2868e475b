"""A real HTTP server on loopback that behaves like the providers, errors included."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from urbancam.sources.download.answers import Patience

PIECE_BYTES = 8192
HASTY = Patience(tries=4, first_wait_s=0.001, longest_wait_s=0.5, timeout_s=5.0)


class Reply:
    """What one request is answered.

    Args:
        body: the whole file.
        status: 200 is served as 206 where a range was asked, unless `ranges` is off.
        cut: bytes after which the connection is cut.
        length: Content-Length to claim instead of the true one.
        piece_s: seconds between two pieces of the body; 0 sends it at once.
    """

    def __init__(
        self,
        body: bytes = b"",
        status: int = 200,
        *,
        headers: dict[str, str] | None = None,
        cut: int | None = None,
        length: int | None = None,
        ranges: bool = True,
        piece_s: float = 0.0,
    ) -> None:
        self.body, self.status, self.headers = body, status, headers or {}
        self.cut, self.length, self.ranges, self.piece_s = cut, length, ranges, piece_s


@contextlib.contextmanager
def serve(answer: Callable[[BaseHTTPRequestHandler, int], Reply]) -> Iterator[tuple[str, list]]:
    """Serve until the block ends.

    Args:
        answer: gives the reply to a request and its number (from 0).

    Yields:
        The server's address, and the list of the requests so far as (path, headers).
    """
    requests: list[tuple[str, dict[str, str]]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # noqa: N802
            requests.append((self.path, dict(self.headers)))
            _send(self, answer(self, len(requests) - 1))

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            pass

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    """A server that bears with clients that are killed."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _send(handler: BaseHTTPRequestHandler, reply: Reply) -> None:
    body, status, headers = reply.body, reply.status, dict(reply.headers)
    asked = handler.headers.get("Range")
    fresh = handler.headers.get("If-Range", headers.get("ETag")) == headers.get("ETag")
    if status == 200 and asked and reply.ranges and fresh:
        start = int(asked.removeprefix("bytes=").rstrip("-"))
        status = 206 if start < len(body) else 416
        last = len(body) - 1
        headers["Content-Range"] = (
            f"bytes {start}-{last}/{len(body)}" if status == 206 else f"bytes */{len(body)}"
        )
        body = body[start:]
    length = len(body) if reply.length is None else reply.length
    handler.send_response(status)
    for name, value in ({"Content-Length": str(length)} | headers).items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "HEAD":  # the connection stays, as the client expects
        return
    with contextlib.suppress(ConnectionError):
        body = body[: reply.cut]
        step = PIECE_BYTES if reply.piece_s else max(1, len(body))
        for start in range(0, len(body), step):
            handler.wfile.write(body[start : start + step])
            handler.wfile.flush()
            time.sleep(reply.piece_s)
    if reply.cut is not None or length != len(body):
        handler.close_connection = True
