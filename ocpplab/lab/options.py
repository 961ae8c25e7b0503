"""What `manage.py lab` was asked for, checked before anything is started."""

import errno
import ipaddress
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ocpplab.embedded import WORD_FILE
from ocpplab.lab.errors import LabError

MAX_FLEET = 100_000
MAX_SIMULATORS = 64


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one run; `checked` says what is wrong with them."""

    host: str
    port: int
    data_dir: Path
    fleet: int
    simulators: int
    token: str | None
    ready_file: Path | None

    @property
    def near_host(self) -> str:
        """The host by which this machine reaches its own web process, ready for an address."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104
        return f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """The address of the web process, without a slash at its end."""
        return f"http://{self.near_host}:{self.port}"

    @property
    def csms_url(self) -> str:
        """The address that a charger of the built-in CSMS gets as its `ws_url`."""
        return f"ws://{self.near_host}:{self.port}/csms"

    @property
    def allowed_hosts(self) -> str:
        """ALLOWED_HOSTS for this address: any name when it listens on all addresses."""
        if self.host in {"0.0.0.0", "::", ""}:  # noqa: S104
            return "*"
        return f"{self.near_host},localhost,127.0.0.1,[::1]"


def checked(options: Options) -> Options:
    """Return the options with a free port in the place of 0. Raises LabError with one line that says what to change."""
    if not 0 <= options.port <= 65535:
        raise LabError(f"--port {options.port}: a port is a number from 0 (any free one) to 65535")
    if not 0 <= options.fleet <= MAX_FLEET:
        raise LabError(f"--fleet {options.fleet}: a fleet has 0 to {MAX_FLEET} chargers")
    if not 1 <= options.simulators <= MAX_SIMULATORS:
        raise LabError(f"--simulators {options.simulators}: there can be 1 to {MAX_SIMULATORS} simulator processes")
    if options.token is not None and (
        not options.token.isascii() or not options.token.isprintable() or " " in options.token
    ):
        raise LabError("--token: a token is printable ASCII without spaces, because it travels in a header")
    if options.token == "":
        raise LabError("--token: a token cannot be empty")
    if options.ready_file is not None and not options.ready_file.absolute().parent.is_dir():
        raise LabError(f"--ready-file {options.ready_file}: there is no folder {options.ready_file.absolute().parent}")
    return Options(
        host=options.host,
        port=free_port(options.host, options.port),
        data_dir=options.data_dir.absolute(),
        fleet=options.fleet,
        simulators=options.simulators,
        token=options.token,
        ready_file=options.ready_file.absolute() if options.ready_file else None,
    )


def free_port(host: str, port: int) -> int:
    """Return the port when the web process can have it; for 0 any free one. Raises LabError."""
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        family = socket.AF_INET  # a name
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)  # two sockets may be bound to a port with SO_REUSEADDR, but only one may listen
        except socket.gaierror:
            raise LabError(f"--host {host}: no such address") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise LabError(
                    f"port {port} is in use: stop what listens there, or choose another with --port"
                ) from None
            if error.errno == errno.EACCES:
                raise LabError(f"port {port} needs more rights: choose one above 1023 with --port") from None
            raise LabError(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from None
        number: int = probe.getsockname()[1]
        return number


def servers_wanted(data_dir: Path) -> dict[str, bool]:
    """Which servers the lab brings itself: those that the environment does not name.

    A shell with the `env` of an earlier start names servers that this folder brought, at ports that are gone: the word
    that is in their addresses is the folder's own.
    """
    try:
        own = (data_dir / WORD_FILE).read_text().strip()
    except OSError:
        own = ""

    def brought(name: str) -> bool:
        address = os.environ.get(name, "")
        return not address or bool(own and own in address)

    return {"with_postgres": brought("DATABASE_URL"), "with_valkey": brought("REDIS_URL")}
