"""What the stable codes of commands mean, in sentences for people."""

from collections.abc import Mapping
from typing import Any, Final

_SENTENCES: Final = {
    "ambiguous_transaction": "Several transactions run on this charger: name one with transaction_id.",
    "bad_behaviour": "The charger does not understand this behaviour.",
    "bad_configuration": "The configuration must map keys to values.",
    "bad_entries": "The charger cannot hold this list: too many entries, or one that is malformed.",
    "bad_goal": "The duration and the energy must be numbers above 0.",
    "bad_id_tag": "The id tag is too long for the charger's OCPP version (20 characters in 1.6, 36 in 2.0.1).",
    "secret_unreadable": "A password in the order was sealed with a key that this simulator does not have: give "
    "all processes the same ENCRYPTION_KEYS.",
    "bad_payload": "The payload does not fit OCPP's schema.",
    "bad_power": "The power must be a number of watts from 0 on.",
    "connector_occupied": "The connector is in use.",
    "faulted": "The connector is faulted: clear the fault first.",
    "host_lost": "The simulator process that held the charger ended before it told what became of the command.",
    "id_tag_refused": "The id tag is not accepted.",
    "memory_full": "Too many transaction messages wait for the CSMS.",
    "moved": "The charger moved to another simulator host before it could tell what became of the command.",
    "no_answer": "The CSMS did not answer.",
    "no_fault": "The connector is not faulted.",
    "no_outcome": "The charger did not tell what became of the command in time.",
    "no_transaction": "There is no such transaction running on this charger.",
    "not_connected": "The charger is not connected to its CSMS, or not accepted by it.",
    "not_plugged": "No car is plugged in: plug the connector first.",
    "not_supported": "A charger of this OCPP version cannot do this.",
    "refused": "The CSMS refused the message.",
    "powered_off": "The charger was switched off before it could do it.",
    "rejected": "The charger rejected a value.",
    "reserved": "The connector is reserved for somebody else.",
    "unavailable": "The connector is out of service.",
    "unknown_action": "Chargers of this OCPP version send no such message.",
    "unknown_connector": "The charger has no such connector.",
    "unknown_fault": "There is no such fault.",
    "unknown_intent": "A charger of this OCPP version cannot do this.",
    "unknown_vehicle": "There is no such vehicle.",
    "unlock_failed": "The connector could not be unlocked.",
    "version_mismatch": "The list version must grow.",
}


def sentence(code: str, data: Mapping[str, Any] | None = None) -> str:
    """Say a code in a sentence, with what the charger added to it; a code that is not known says itself."""
    said = _SENTENCES.get(code, f"The charger said {code}.")
    found = data or {}
    if code == "version_mismatch" and "list_version" in found:
        return f"{said} The charger has version {found['list_version']}."
    extra = found.get("reason") or found.get("hint")
    return f"{said[:-1]}: {extra}" if extra else said
