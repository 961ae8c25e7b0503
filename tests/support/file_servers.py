"""Servers that chargers fetch files from and bring files to: HTTP and FTP, with bad habits on demand."""

import contextlib
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class FileServer:
    """An HTTP server. `files` by path; `habits` by path: a status, an address to redirect to, or a bad habit.

    Bad habits: `cut` (ends in the middle), `hang` (never answers), `drip` (a byte now and then), `endless`, `nonsense`.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.files: dict[str, bytes] = {}
        self.habits: dict[str, Any] = {}
        self.received: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.busy = self.most = 0
        self.done = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer((host, 0), _handler_of(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.done.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @contextlib.contextmanager
    def serving(self):
        with self._lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        try:
            yield
        finally:
            with self._lock:
                self.busy -= 1


def _handler_of(server: FileServer) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - one method for each habit
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with server.serving(), contextlib.suppress(OSError):
                super().handle()

        def do_GET(self) -> None:
            self._serve(None)

        def do_PUT(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_POST(self) -> None:
            self.do_PUT()

        def _serve(self, body: bytes | None) -> None:
            server.asked.append(f"{self.command} {self.path}")
            server.headers = dict(self.headers.items())
            habit = server.habits.get(f"{self.command} {self.path}", server.habits.get(self.path))
            if habit is not None:
                self._misbehave(habit)
            elif body is not None:
                server.received[self.path] = body
                self._answer(201, b"")
            elif self.path in server.files:
                self._answer(200, server.files[self.path])
            else:
                self._answer(404, b"")

        def _answer(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _misbehave(self, habit: Any) -> None:
            if isinstance(habit, int):
                self._answer(habit, b"")
            elif habit == "hang":
                server.done.wait(30)
            elif habit == "nonsense":
                self.wfile.write(b"\x00\x01 what?\r\n\r\n")
            elif habit == "cut":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"x" * 10)
            elif habit in {"drip", "endless"}:
                self.send_response(200)
                self.end_headers()
                while not server.done.wait(0.05 if habit == "drip" else 0):
                    self.wfile.write(b"x" * (1 if habit == "drip" else 65536))
            else:
                self.send_response(307)
                self.send_header("Location", str(habit))
                self.end_headers()

    return Handler


class FtpServer:
    """An FTP server for one user (`user`, `secret`, or anonymous), passive mode only."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.received: dict[str, bytes] = {}
        self.refuse: dict[str, str] = {}  #: answers by command
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _ftp_handler_of(self))
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


def _ftp_handler_of(server: FtpServer) -> type[socketserver.StreamRequestHandler]:  # noqa: C901 - a table of words
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self._talk()

        def _talk(self) -> None:
            with contextlib.ExitStack() as sockets:
                self._obey(sockets)

        def _obey(self, sockets: contextlib.ExitStack) -> None:
            user, data = "", None
            self._say("220 hello")
            for raw in self.rfile:
                word, _, rest = raw.decode().strip().partition(" ")
                if word in server.refuse:
                    self._say(server.refuse[word])
                elif word == "USER":
                    user = rest
                    self._say("331 password?")
                elif word == "PASS":
                    good = user == "anonymous" or (user, rest) == ("user", "secret")
                    self._say("230 welcome" if good else "530 no")
                elif word == "TYPE":
                    self._say("200 ok")
                elif word == "PASV":
                    data = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
                    port = data.getsockname()[1]
                    # an address that is a trap: the peer's own is to be used
                    self._say(f"227 go (10,255,255,1,{port >> 8},{port & 255})")
                elif word in {"RETR", "STOR"} and data is not None:
                    self._transfer(word, rest, data)
                    data = None
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("502 what?")

        def _transfer(self, word: str, path: str, data: socket.socket) -> None:
            with data:
                if word == "RETR" and path not in server.files:
                    self._say("550 no such file")
                    return
                self._say("150 here it comes")
                connection, _ = data.accept()
                with connection:
                    if word == "RETR":
                        connection.sendall(server.files[path])
                    else:
                        parts = []
                        while part := connection.recv(65536):
                            parts.append(part)
                        server.received[path] = b"".join(parts)
            self._say("226 done")

        def _say(self, line: str) -> None:
            self.wfile.write(line.encode() + b"\r\n")

    return Handler


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def eventually(condition: Any, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False
