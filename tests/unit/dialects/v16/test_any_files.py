"""Firmware, logs and security under anything that a CSMS, a server, the network and the power may do."""

from hypothesis import given, settings
from hypothesis import strategies as st

from chargers.protocol import Version, format_time
from chargers.simulator.effects import Abandon, Download, Transfer, Upload, Verdict
from tests.support import pki
from tests.support.frames import START, Driver
from tests.unit.dialects.v16.files import DATA, install, signed_update, told, update

MAKER = pki.Paper.root("Maker", now=START)
SIGNER = MAKER.issue("Signing", now=START)
GOOD = SIGNER.sign(DATA)
PLAIN, SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"
#: what may come before a status
BEFORE = {
    "Downloading": None,
    "DownloadScheduled": None,
    "Downloaded": {"Downloading"},
    "DownloadFailed": {"Downloading"},
    "SignatureVerified": {"Downloaded"},
    "InvalidSignature": {"Downloaded"},
    "InstallScheduled": {"SignatureVerified"},
    "InstallVerificationFailed": {"SignatureVerified"},
    "Installing": {"Downloaded", "SignatureVerified", "InstallScheduled"},
    "InstallRebooting": {"Installing"},
    "InstallationFailed": {"Downloaded", "Installing"},
    "Installed": {"Installing", "InstallRebooting"},
}
KEYS = {
    "OcppLabFirmwareOutcome": ["Installed", "DownloadFailed", "InstallVerificationFailed", "InstallationFailed"],
    "OcppLabUploadOutcome": ["Uploaded", "PermissionDenied"],
    "OcppLabFirmwareDownloadSeconds": ["0", "30"],
    "OcppLabSecurityEvents": ["true", "false"],
    "AuthorizationKey": ["a password of 20 ch"],
    "SecurityProfile": ["1"],
}
LOG = {"requestId": 1, "log": {"remoteLocation": "http://h/in"}, "retries": 2, "retryInterval": 5}
STEPS = st.one_of(
    st.tuples(st.just("update"), st.sampled_from([-1.0, 50.0])),
    st.tuples(st.just("signed"), st.sampled_from([GOOD, "AAAA"])),
    st.tuples(st.just("transfer"), st.sampled_from(list(Verdict))),
    st.tuples(st.just("log"), st.sampled_from(["DiagnosticsLog", "SecurityLog"])),
    st.tuples(st.just("diagnostics"), st.none()),
    st.tuples(st.just("key"), st.sampled_from([(key, value) for key, values in KEYS.items() for value in values])),
    st.tuples(st.just("reset"), st.sampled_from(["Soft", "Hard"])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 20.0, 100.0])),
    st.tuples(st.just("drop"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("trigger"), st.sampled_from([PLAIN, "DiagnosticsStatusNotification"])),
)


class World:
    """A charger over its lives, and what it said in all of them."""

    def __init__(self):
        self.driver = Driver(Version.V16).boot()
        assert install(self.driver, MAKER.pem) == "Accepted"
        self.lives = 1
        self.told = {PLAIN: [], SIGNED: []}
        self.triggered = 0

    def do(self, what, how):
        getattr(self, f"_{what}")(how)
        if what not in {"drop", "wait"} and not self.driver.open:
            self.driver.settle_connection()

    def _update(self, after):
        update(self.driver, after=after)

    def _signed(self, signature):
        signed_update(self.driver, SIGNER.pem, signature)

    def _transfer(self, verdict):
        ended = {one.id for one in self.driver.of(Abandon)}
        for wanted in self.driver.effects[:]:
            if isinstance(wanted, Download | Upload) and wanted.id not in ended:
                transfer = Transfer(verdict, 1, pki.digest(DATA))
                self.driver._take(self.driver.session.transferred(self.driver.now, wanted.id, transfer))

    def _log(self, kind):
        self.driver.ask("GetLog", LOG | {"logType": kind})

    def _diagnostics(self, _):
        self.driver.ask("GetDiagnostics", {"location": "ftp://h/", "startTime": format_time(START)})

    def _key(self, pair):
        self.driver.ask("ChangeConfiguration", {"key": pair[0], "value": pair[1]})

    def _reset(self, kind):
        self.driver.ask("Reset", {"type": kind})

    def _wait(self, seconds):
        self.driver.advance(seconds)

    def _drop(self, _):
        if self.driver.open:
            self.driver.drop()

    def _restart(self, _):
        self.collect()
        self.lives += 1
        memory = self.driver.memory()
        self.driver = Driver(Version.V16, memory=memory, now=self.driver.now + 3, seed=self.lives).boot()

    def _trigger(self, name):
        self.driver.ask("TriggerMessage", {"requestedMessage": name})

    def collect(self):
        for action, statuses in self.told.items():
            statuses.extend(told(self.driver, action))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_it_never_fails_says_nothing_that_is_wrong_and_ends_what_it_began(steps):
    world = World()
    for what, how in steps:
        if not world.driver.open and what not in {"wait", "drop", "transfer", "restart"}:
            world.driver.settle_connection()
        world.do(what, how)
        assert len(world.driver.memory().get("upkeep", {}).get("notices", ())) <= 200
    for _ in range(8):
        world._transfer(Verdict.DONE)
        world.driver.advance(200)
        world.driver.settle_connection()
    upkeep = world.driver.memory()["upkeep"]
    assert "update" not in upkeep
    assert "log" not in upkeep
    assert not upkeep.get("notices")
    world.collect()
    if any(what == "trigger" for what, _ in steps):
        return  # a status that was asked for may come again
    for statuses in world.told.values():
        for before, status in zip([None, *statuses], statuses, strict=False):
            assert BEFORE[status] is None or before in BEFORE[status], statuses
