"""The built-in CSMS can send every call of OCPP 1.6 and of its security extension."""

import json
from typing import Any

import pytest

from chargers.csms.effects import Order, Send, Settled
from chargers.protocol import Version, actions_from_csms, validate_request

from .examples import AT
from .test_central import START, a_link

PROFILE = {
    "chargingProfileId": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.7}]},
}
HASH = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
CALLS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "CancelReservation": ({"reservationId": 1}, {"status": "Accepted"}),
    "CertificateSigned": ({"certificateChain": "c"}, {"status": "Accepted"}),
    "ChangeAvailability": ({"connectorId": 0, "type": "Operative"}, {"status": "Scheduled"}),
    "ChangeConfiguration": ({"key": "k", "value": "v"}, {"status": "RebootRequired"}),
    "ClearCache": ({}, {"status": "Accepted"}),
    "ClearChargingProfile": ({"id": 1}, {"status": "Unknown"}),
    "DataTransfer": ({"vendorId": "v"}, {"status": "UnknownVendorId"}),
    "DeleteCertificate": ({"certificateHashData": HASH}, {"status": "NotFound"}),
    "ExtendedTriggerMessage": ({"requestedMessage": "Heartbeat"}, {"status": "Accepted"}),
    "GetCompositeSchedule": ({"connectorId": 1, "duration": 60}, {"status": "Rejected"}),
    "GetConfiguration": ({"key": ["k"]}, {"unknownKey": ["k"]}),
    "GetDiagnostics": ({"location": "ftp://x"}, {"fileName": "f"}),
    "GetInstalledCertificateIds": ({"certificateType": "CentralSystemRootCertificate"}, {"status": "NotFound"}),
    "GetLocalListVersion": ({}, {"listVersion": 0}),
    "GetLog": (
        {"log": {"remoteLocation": "http://x"}, "logType": "SecurityLog", "requestId": 1},
        {"status": "Accepted"},
    ),
    "InstallCertificate": (
        {"certificateType": "CentralSystemRootCertificate", "certificate": "c"},
        {"status": "Rejected"},
    ),
    "RemoteStartTransaction": ({"idTag": "T", "connectorId": 1, "chargingProfile": PROFILE}, {"status": "Accepted"}),
    "RemoteStopTransaction": ({"transactionId": 1}, {"status": "Rejected"}),
    "ReserveNow": (
        {"connectorId": 1, "expiryDate": AT, "idTag": "T", "reservationId": 1},
        {"status": "Occupied"},
    ),
    "Reset": ({"type": "Hard"}, {"status": "Accepted"}),
    "SendLocalList": (
        {"listVersion": 1, "updateType": "Full", "localAuthorizationList": [{"idTag": "T"}]},
        {"status": "VersionMismatch"},
    ),
    "SetChargingProfile": ({"connectorId": 0, "csChargingProfiles": PROFILE}, {"status": "NotSupported"}),
    "SignedUpdateFirmware": (
        {
            "requestId": 1,
            "firmware": {"location": "x", "retrieveDateTime": AT, "signingCertificate": "c", "signature": "s"},
        },
        {"status": "AcceptedCanceled"},
    ),
    "TriggerMessage": ({"requestedMessage": "MeterValues"}, {"status": "NotImplemented"}),
    "UnlockConnector": ({"connectorId": 1}, {"status": "UnlockFailed"}),
    "UpdateFirmware": ({"location": "http://x/f", "retrieveDate": AT}, {}),
}


def test_there_is_an_example_of_each():
    assert CALLS.keys() == actions_from_csms(Version.V16)


@pytest.mark.parametrize("action", sorted(CALLS))
def test_it_sends_it_and_takes_its_answer(action):
    request, response = CALLS[action]
    link = a_link()
    (send,) = link.call(START, Order("tag", action, request))
    assert isinstance(send, Send), send
    frame = json.loads(send.text)
    assert frame[2:] == [action, request]
    (settled,) = link.text(START, json.dumps([3, frame[1], response]))
    assert isinstance(settled, Settled)
    assert (settled.outcome.code, settled.outcome.payload) == ("ok", response)
    assert link.station.breaches == 0


@pytest.mark.parametrize("action", sorted(CALLS))
def test_it_does_not_send_one_that_breaks_its_schema(action):
    broken = {**CALLS[action][0], "surprise": 1}
    assert validate_request(Version.V16, action, broken) is not None
    (settled,) = a_link().call(START, Order("tag", action, broken))
    assert isinstance(settled, Settled)
    assert settled.outcome.code == "invalid"
