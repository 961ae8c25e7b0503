"""Firmware, logs and certificates: real simulator processes, a CSMS on the `ocpp` package, HTTP and FTP servers."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from cryptography import x509

from chargers.models import Charger
from ocpplab.accounts.models import Organization
from tests.support import pki
from tests.support.chargers import make_charger, make_model
from tests.support.file_servers import FileServer, FtpServer
from tests.support.processes import Processes
from tests.support.reference_csms import Reference, ReferenceCsms
from tests.support.waiting import eventually

pytestmark = pytest.mark.system

FIRMWARE = b"\x7fELF firmware " * 10_000
PLAIN, SIGNED = "FirmwareStatusNotification", "SignedFirmwareStatusNotification"


@pytest.fixture
def csms() -> Iterator[ReferenceCsms]:
    with ReferenceCsms() as server:
        yield server
        assert server.complaints == [], "the reference CSMS refused a frame"


@pytest.fixture
def http() -> Iterator[FileServer]:
    with FileServer() as server:
        server.files["/fw-9.9.1.bin"] = FIRMWARE
        yield server


@pytest.fixture
def station(organization: Organization, csms: ReferenceCsms) -> Reference:
    make_charger(organization, model=make_model("files"), identity="FILES", ws_url=csms.url, ocpp_version="OCPP1.6")
    return csms.station("FILES")


def configure(station: Reference, **keys: object) -> None:
    for key, value in keys.items():
        answer = station.ask("ChangeConfiguration", {"key": key, "value": str(value)})
        assert answer == {"status": "Accepted"}, key


def ready(station: Reference, *, install_seconds: int = 1) -> None:
    """Let it be online, and quick."""
    station.wait_for("StatusNotification", 2)
    configure(
        station,
        OcppLabFirmwareDownloadSeconds=0,
        OcppLabFirmwareInstallSeconds=install_seconds,
        OcppLabUploadSeconds=0,
    )


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def statuses(station: Reference, action: str) -> list[str]:
    return [one["status"] for one in station.payloads(action)]


def update(station: Reference, location: str) -> None:
    assert station.ask("UpdateFirmware", {"location": location, "retrieveDate": now()}) == {}


def test_firmware_is_fetched_installed_and_booted(processes: Processes, station: Reference, http: FileServer) -> None:
    processes.simulator()
    ready(station)
    update(station, f"{http.url}/fw-9.9.1.bin")
    station.wait_for(PLAIN, 4, timeout=60)
    assert statuses(station, PLAIN) == ["Downloading", "Downloaded", "Installing", "Installed"]
    assert http.asked == ["GET /fw-9.9.1.bin"]
    assert station.payloads("BootNotification")[-1]["firmwareVersion"] == "9.9.1"
    assert station.connections == 2


def test_firmware_that_cannot_be_had_is_download_failed(
    processes: Processes, station: Reference, http: FileServer
) -> None:
    processes.simulator()
    ready(station)
    for count, location in enumerate((f"{http.url}/other", "http://127.0.0.2/fw.bin", "nonsense"), 1):
        update(station, location)
        station.wait_for(PLAIN, 2 * count)
    assert statuses(station, PLAIN) == ["Downloading", "DownloadFailed"] * 3
    assert http.asked == ["GET /other"]


def test_an_installation_outlasts_kill_9(processes: Processes, station: Reference, http: FileServer) -> None:
    simulator = processes.simulator()
    ready(station, install_seconds=5)
    update(station, f"{http.url}/fw-9.9.1.bin")
    eventually(lambda: statuses(station, PLAIN)[-1:] == ["Installing"])
    time.sleep(1)  # s; the memory is written within 0.2
    simulator.kill()
    simulator.start()
    eventually(lambda: statuses(station, PLAIN)[-1:] == ["Installed"], timeout=60)
    assert station.payloads("BootNotification")[-1]["firmwareVersion"] == "9.9.1"


def test_signed_firmware_is_verified(processes: Processes, station: Reference, http: FileServer) -> None:
    processes.simulator()
    ready(station)
    maker = pki.Paper.root("Maker", now=time.time())
    signer = maker.issue("Signing", now=time.time())
    install = {"certificateType": "ManufacturerRootCertificate", "certificate": maker.pem}
    assert station.ask("InstallCertificate", install) == {"status": "Accepted"}
    for request_id, signature in enumerate((signer.sign(FIRMWARE + b"!"), signer.sign(FIRMWARE)), 1):
        firmware = {
            "location": f"{http.url}/fw-9.9.1.bin",
            "retrieveDateTime": now(),
            "signingCertificate": signer.pem,
            "signature": signature,
        }
        answer = station.ask("SignedUpdateFirmware", {"requestId": request_id, "firmware": firmware})
        assert answer == {"status": "Accepted"}
        station.wait_for(SIGNED, 3 if request_id == 1 else 9, timeout=60)
    told = [(one["requestId"], one["status"]) for one in station.payloads(SIGNED)]
    good = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
    assert told == [(1, one) for one in ("Downloading", "Downloaded", "InvalidSignature")] + [(2, one) for one in good]
    events = [one["type"] for one in station.wait_for("SecurityEventNotification", 2)]
    assert events == ["InvalidFirmwareSignature", "FirmwareUpdated"]


def test_diagnostics_and_logs_arrive(processes: Processes, station: Reference, http: FileServer) -> None:
    processes.simulator()
    ready(station)
    key = "00112233445566778899AABBCCDDEEFF00112233"
    configure(station, AuthorizationKey=key)
    time.sleep(0.5)  # s; frames are written within 0.2
    with FtpServer() as ftp:
        location = f"ftp://user:secret@{ftp.address}/in"
        name = station.ask("GetDiagnostics", {"location": location})["fileName"]
        station.wait_for("DiagnosticsStatusNotification", 2)
        text = ftp.received[f"in/{name}"].decode()
    assert statuses(station, "DiagnosticsStatusNotification") == ["Uploading", "Uploaded"]
    assert "BootNotification" in text
    assert '"status"' in text
    assert key not in text
    log = {"logType": "SecurityLog", "requestId": 5, "log": {"remoteLocation": f"{http.url}/in"}}
    name = station.ask("GetLog", log)["filename"]
    station.wait_for("LogStatusNotification", 2)
    assert b"AuthorizationKey changed" in http.received[f"/in/{name}"]


def test_a_charger_gets_a_certificate_and_a_password(processes: Processes, station: Reference) -> None:
    processes.simulator()
    ready(station)
    root = pki.Paper.root("Central", now=time.time())
    configure(station, CpoName="Operator")
    install = {"certificateType": "CentralSystemRootCertificate", "certificate": root.pem}
    assert station.ask("InstallCertificate", install) == {"status": "Accepted"}
    trigger = {"requestedMessage": "SignChargePointCertificate"}
    assert station.ask("ExtendedTriggerMessage", trigger) == {"status": "Accepted"}
    csr = station.wait_for("SignCertificate")[0]["csr"]
    assert x509.load_pem_x509_csr(csr.encode()).is_signature_valid
    chain = root.issue_for(csr, now=time.time())
    assert station.ask("CertificateSigned", {"certificateChain": chain}) == {"status": "Accepted"}
    configure(station, AuthorizationKey="a long password!", SecurityProfile=1)
    station.wait_connected(2)
    headers = station.live[-1]._connection.request.headers
    assert headers["Authorization"].startswith("Basic ")
    eventually(lambda: Charger.objects.get(identity="FILES").connection_state == "online")
