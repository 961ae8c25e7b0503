"""One run of a lab, from the first server to the last."""

import json
import os
import time
from shlex import quote
from textwrap import indent

from ocpplab import embedded
from ocpplab.lab import plan
from ocpplab.lab.console import Console
from ocpplab.lab.errors import LabError
from ocpplab.lab.options import Options, servers_wanted
from ocpplab.lab.state import State, write_private
from ocpplab.lab.supervisor import SERVER_GRACE, STOP_SECONDS, Supervisor, raise_descriptor_limit

BANNER = """
  OCPP lab       {url}
  Fleet          {url}/fleet   what is online, as it happens (with the admin's login)
  API docs       {url}/docs
  Admin          {url}/admin/   user admin, password {password}
  Built-in CSMS  {csms_url}/<identity>
  Token          {token}
  Metrics        {metrics_file}   (addresses of all processes, as Prometheus reads them)
  Environment    set -a; . {env_file}; set +a   (then `manage.py` works on this lab)

  {what}:

{curl}

  Ctrl-C stops everything; the next start goes on with the same chargers.

"""
CURL = """curl {url}{path} \\
  -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \\
  -d '{body}'"""
SITE = (
    '{"name": "Site A", "address": "1 Quai Rambaud", "city": "Lyon", "country": "FR",\n'
    '       "coordinates": {"latitude": 45.74, "longitude": 4.81}}'
)
CHARGERS = """[{"template": {"brand_slug": "schneider", "model_slug": "evlink-pro-ac-22kw", "connector_type": "CCS2",
                     "ws_url": "%s", "ocpp_version": "OCPP1.6",
                     "identity_prefix": "SITE_A_", "template_name": "Charger"},
        "charger_ids": ["001", "002"], "chargers_number": 5}]"""


class Session:
    """Starts, watches and stops a lab."""

    def __init__(self, options: Options, console: Console) -> None:
        self.options = options
        self.console = console
        self.supervisor = Supervisor(console, on_change=self._pids_changed)
        self.services = embedded.Services(options.data_dir, **servers_wanted(options.data_dir))
        self.state_file = options.data_dir / "state.json"
        self.env_file = options.data_dir / "env"
        self.metrics_file = options.data_dir / "metrics.json"
        self.programs = plan.programs(options)
        self.state = State()
        self._ready = False

    def run(self) -> None:
        """Run until told to stop. Raises LabError or EmbeddedError when it cannot go on; then all is stopped too."""
        raise_descriptor_limit()
        self.supervisor.listen_to_signals()
        try:
            self._start_servers()
            if self._prepare() and self._open():
                self._announce()
                while not self.supervisor.stopping:
                    self.supervisor.step()
        finally:
            self._stop()

    def _start_servers(self) -> None:
        self.console.say(f"starting in {self.options.data_dir}")
        self._ready_file_remove()
        urls = self.services.start()
        self.supervisor.servers = self.services.servers
        for server in self.services.servers.values():
            self.console.say(f"{server.name} on port {server.port}, pid {server.pid}, log {server.log}")
        self.state = State.load(self.state_file)
        if self.options.token is not None:
            self.state.token = self.options.token
        self.state.save(self.state_file)
        self.supervisor.env = plan.environment(
            self.options,
            database=urls.database or os.environ["DATABASE_URL"],
            redis=urls.redis or os.environ["REDIS_URL"],
            secret_key=self.state.secret_key,
        )
        names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS", "CSMS_TARGETS", *plan.LIMITS)
        write_private(self.env_file, "".join(f"{name}={quote(self.supervisor.env[name])}\n" for name in names))

    def _prepare(self) -> bool:
        code = self.supervisor.run(plan.prepare(self.state_file))
        if code:
            raise LabError("the database could not be prepared: see the lines of `prepare` above")
        self.state = State.load(self.state_file)
        return code is not None

    def _open(self) -> bool:
        write_private(self.metrics_file, json.dumps(plan.scrape_targets(self.programs), indent=2) + "\n")
        for program in self.programs:
            self.supervisor.start(program)
        code = self.supervisor.run(plan.opening(self.options, self.state_file))
        if code:
            raise LabError("the lab did not open: see the lines of `open` above")
        self.state = State.load(self.state_file)
        return code is not None

    def _announce(self) -> None:
        self._ready = True
        where, token, location = self.options.url, self.state.token, self.state.location_id
        if location:
            what, path = "Five chargers more", f"/ocpp/locations/{location}/chargers"
            body = CHARGERS % self.options.csms_url
        else:
            what, path, body = "A first location", "/ocpp/locations", SITE
        text = BANNER.format(
            url=where,
            csms_url=self.options.csms_url,
            token=token,
            password=self.state.admin_password or "(the one that you set)",
            env_file=self.env_file,
            metrics_file=self.metrics_file,
            what=what,
            curl=indent(CURL.format(url=where, path=path, token=token, body=body), "    "),
        )
        self.console.plain(text)
        self._pids_changed()

    def _pids_changed(self) -> None:
        """Write the ready file (again): a process that was started again has another number."""
        if not self._ready or self.options.ready_file is None:
            return
        pids = {child.name: child.process.pid for child in self.supervisor.children if child.process and child.alive}
        pids |= {name: server.pid for name, server in self.supervisor.servers.items() if server.pid}
        facts = {
            "url": self.options.url,
            "token": self.state.token,
            "admin_token": self.state.admin_token,
            "organization_id": self.state.organization_id,
            "csms_url": self.options.csms_url,
            "pids": pids,
            "metrics": {program.name: program.metrics_url for program in self.programs},
        }
        write_private(self.options.ready_file, json.dumps(facts, indent=2) + "\n")

    def _ready_file_remove(self) -> None:
        if self.options.ready_file is not None:
            self.options.ready_file.unlink(missing_ok=True)

    def _stop(self) -> None:
        self._ready = False
        started = time.monotonic()
        try:
            self._ready_file_remove()
            self.console.say("stopping")
            self.supervisor.stop()
        finally:
            left = STOP_SECONDS - (time.monotonic() - started)
            self.services.stop(grace=max(SERVER_GRACE, left - 1))
        self.console.say("stopped")
