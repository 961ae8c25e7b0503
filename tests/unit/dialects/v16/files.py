from chargers.protocol import format_time
from chargers.simulator.effects import Abandon, Download, KeyPair, MakeKey, Transfer, Upload, Verdict
from chargers.simulator.model.certificates import make_request
from tests.support.frames import Driver

DATA = b"firmware of the future"
SERIAL = "SN-0001"


def downloads(driver: Driver) -> list[Download]:
    return driver.of(Download)


def uploads(driver: Driver) -> list[Upload]:
    return driver.of(Upload)


def abandoned(driver: Driver) -> list[str]:
    return [one.id for one in driver.of(Abandon)]


def arrives(driver: Driver, transfer_id: str, sha256: str = "00" * 32) -> Driver:
    return driver._take(driver.session.transferred(driver.now, transfer_id, Transfer(Verdict.DONE, 22, sha256)))


def fails(driver: Driver, transfer_id: str, verdict: Verdict = Verdict.FAILED) -> Driver:
    return driver._take(driver.session.transferred(driver.now, transfer_id, Transfer(verdict, why="no")))


def told(driver: Driver, action: str) -> list[str]:
    return [call.payload["status"] for call in driver.calls(action)]


def events(driver: Driver) -> list[str]:
    return [call.payload["type"] for call in driver.calls("SecurityEventNotification")]


def update(driver: Driver, location: str = "http://files/fw-9.9.1.bin", *, after: float = -1.0, **more: object):
    return driver.ask("UpdateFirmware", {"location": location, "retrieveDate": format_time(driver.now + after), **more})


def install(driver: Driver, pem: str, use: str = "ManufacturerRootCertificate") -> str:
    return str(driver.ask("InstallCertificate", {"certificateType": use, "certificate": pem}).payload["status"])


def signed_update(driver: Driver, certificate: str, signature: str, request_id: int = 7, **firmware: object):
    payload = {
        "location": "http://files/fw-9.9.1.bin",
        "retrieveDateTime": format_time(driver.now - 1),
        "signingCertificate": certificate,
        "signature": signature,
        **firmware,
    }
    return driver.ask("SignedUpdateFirmware", {"requestId": request_id, "firmware": payload}).payload["status"]


def sign(driver: Driver) -> str:
    """Let the shell make the key that the charger asked for; returns the request that it sent."""
    wanted = driver.of(MakeKey)[-1]
    pair = KeyPair(*make_request(wanted.common_name, wanted.organization))
    driver._take(driver.session.key_made(driver.now, wanted.id, pair))
    return str(driver.calls("SignCertificate")[-1].payload["csr"])
