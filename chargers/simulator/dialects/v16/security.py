"""The security extension of 1.6 (OCA white paper "Improved security for OCPP 1.6-J"): events, profiles, keys.

The security log keeps every event from the first use of the extension on; a charger that nobody asked about security
keeps none, so that ten thousand of them cost nothing.
"""

import base64
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from chargers.protocol import Payload
from chargers.protocol.v16.enums import TriggerMessageStatus
from chargers.simulator.dialects.base import (
    AnswerHandler,
    Block,
    BootCause,
    CallHandler,
    Failure,
    Registration,
    SettingHandler,
)
from chargers.simulator.dialects.context import Context
from chargers.simulator.dialects.notices import tell
from chargers.simulator.effects import Credentials
from chargers.simulator.model.settings import Variable
from chargers.simulator.model.upkeep import MAX_EVENTS, Credential
from chargers.simulator.model.variables import (
    AUTHORIZATION_KEY,
    ORGANIZATION_NAME,
    REVOKED_SERIALS,
    SECURITY_EVENTS,
    SECURITY_PROFILE,
)

from .keys import Key, Setting, fixed

STORE_MAX: Final = 20  #: CertificateStoreMaxLength
CHAIN_MAX: Final = 10_000  #: CertificateSignedMaxChainSize, the most that the schema allows
CENTRAL_ROOT: Final = "CentralSystemRootCertificate"
MANUFACTURER_ROOT: Final = "ManufacturerRootCertificate"
_EVENT: Final = "SecurityEventNotification"
_TOLERANCE: Final = 3  #: dials that fail with a new security profile before the old one is used again (A05.FR.08)
_HEX_KEY: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}", re.ASCII)
#: §6.16: the names of ExtendedTriggerMessage that stand for another message
_TRIGGERED: Final = {"FirmwareStatusNotification": "SignedFirmwareStatusNotification"}


class SecurityEvent(StrEnum):
    """§8: what happens to the security of a charger."""

    FIRMWARE_UPDATED = "FirmwareUpdated"
    INVALID_CENTRAL_SYSTEM_CERTIFICATE = "InvalidCentralSystemCertificate"
    INVALID_CHARGE_POINT_CERTIFICATE = "InvalidChargePointCertificate"
    INVALID_FIRMWARE_SIGNATURE = "InvalidFirmwareSignature"
    INVALID_FIRMWARE_SIGNING_CERTIFICATE = "InvalidFirmwareSigningCertificate"
    RECONFIGURATION = "ReconfigurationOfSecurityParameters"
    RESET_OR_REBOOT = "ResetOrReboot"
    STARTUP = "StartupOfTheDevice"


#: §8 "critical": pushed to the CSMS
_CRITICAL: Final = frozenset({SecurityEvent.FIRMWARE_UPDATED, SecurityEvent.RESET_OR_REBOOT, SecurityEvent.STARTUP})


def security_event(ctx: Context, event: SecurityEvent, words: str, *, told: bool = False) -> None:
    """Put an event into the security log (A04.FR.04); tell it if it is critical (A04.FR.01) or `told` asks for it."""
    events, stamp = ctx.need_upkeep().events, ctx.timestamp()
    events.append([stamp, event.value, words])
    del events[:-MAX_EVENTS]
    ctx.remember(urgent=False)
    if told or (event in _CRITICAL and speaks_security(ctx)):
        payload = {"type": event.value, "timestamp": stamp}
        tell(ctx, _EVENT, payload | ({"techInfo": words[:255]} if words else {}))


def speaks_security(ctx: Context) -> bool:
    """Whether the CSMS is known to understand the extension: a plain 1.6 CSMS would call its messages an error."""
    return ctx.settings.number(SECURITY_PROFILE) > 0 or ctx.settings.flag(SECURITY_EVENTS)


def credentials(ctx: Context) -> Credentials | None:
    """How the charger proves who it is, by its security profile (§2.2); None without one."""
    profile = ctx.settings.number(SECURITY_PROFILE)
    if profile == 0:
        return None
    authorization = _basic(ctx) if profile < 3 else ""
    if profile == 1:
        return Credentials(authorization)
    upkeep = ctx.need_upkeep()
    roots = tuple(upkeep.roots.get(CENTRAL_ROOT, ()))
    own = current_credential(ctx) if profile == 3 else None
    if own is None:
        return Credentials(authorization, tls=True, roots=roots)
    return Credentials(authorization, tls=True, roots=roots, certificate=own.chain, key=own.key)


def current_credential(ctx: Context) -> Credential | None:
    """The newest own certificate that is valid by now (A02.FR.08-09)."""
    shown = ctx.clock.at(ctx.now)
    ready = [one for one in ctx.upkeep.credentials if one.begins <= shown] if ctx.upkeep is not None else []
    return max(ready, key=lambda one: one.begins, default=None)


def _basic(ctx: Context) -> str:
    """RFC 7617 with the identity as the user; a key in hex stands for its bytes (OCPP-J §6.2.1, white paper §7.2)."""
    text = ctx.settings.text(AUTHORIZATION_KEY)
    password = bytes.fromhex(text) if _HEX_KEY.fullmatch(text) else text.encode()
    return "Basic " + base64.b64encode(ctx.spec.identity.encode() + b":" + password).decode()


def _profile_allowed(ctx: Context, text: str) -> bool:
    """A05.FR.01-04: only upwards, and with everything at hand that the new profile needs."""
    if not text.isdecimal():
        return True  # no number at all: refused by its type
    wanted = int(text)
    if wanted <= ctx.settings.number(SECURITY_PROFILE):
        return False
    if wanted < 3 and not ctx.settings.text(AUTHORIZATION_KEY):
        return False
    if wanted >= 2 and not _has_central_root(ctx):
        return False
    return wanted < 3 or _has_own_certificate(ctx)


def _has_central_root(ctx: Context) -> bool:
    from chargers.simulator.model import certificates

    def valid(pem: str) -> bool:
        try:
            certificates.check_time(certificates.read(pem), ctx.clock.at(ctx.now))
        except certificates.BadCertificate:
            return False
        return True

    return ctx.upkeep is not None and any(valid(pem) for pem in ctx.upkeep.roots.get(CENTRAL_ROOT, ()))


def _has_own_certificate(ctx: Context) -> bool:
    from chargers.simulator.model import certificates

    own = current_credential(ctx)
    if own is None:
        return False
    try:
        certificates.check_time(certificates.read_chain(own.chain)[0], ctx.clock.at(ctx.now))
    except certificates.BadCertificate:
        return False
    return True


#: §7 of the white paper, and the lab's own
KEYS: Final[tuple[Key, ...]] = (
    fixed("AdditionalRootCertificateCheck", value=False),
    Setting("AuthorizationKey", AUTHORIZATION_KEY),
    fixed("CertificateSignedMaxChainSize", CHAIN_MAX),
    fixed("CertificateStoreMaxLength", STORE_MAX),
    Setting("CpoName", ORGANIZATION_NAME),
    Setting("SecurityProfile", SECURITY_PROFILE, allowed=_profile_allowed),
    Setting("OcppLabRevokedSerials", REVOKED_SERIALS),
    Setting("OcppLabSecurityEvents", SECURITY_EVENTS),
)


class SecurityBlock(Block):
    """Security events, security profiles, and ExtendedTriggerMessage."""

    title = "Security: events and profiles"

    def calls(self) -> Mapping[str, CallHandler]:
        """ExtendedTriggerMessage."""
        return {"ExtendedTriggerMessage": self._trigger}

    def answers(self) -> Mapping[str, AnswerHandler]:
        """SecurityEventNotification, which always goes as a notice."""
        return {_EVENT: _heard}

    def settings(self) -> Mapping[Variable, SettingHandler]:
        """New credentials are used at once: the charger dials again with them (A01, A05.FR.06-07)."""
        return {AUTHORIZATION_KEY: self._key_changed, SECURITY_PROFILE: self._profile_changed}

    def powered_on(self, ctx: Context) -> None:
        """StartupOfTheDevice, or ResetOrReboot; told when the CSMS has accepted the boot."""
        if ctx.upkeep is not None or speaks_security(ctx):
            up = ctx.boot_cause is BootCause.POWER_UP
            security_event(ctx, SecurityEvent.STARTUP if up else SecurityEvent.RESET_OR_REBOOT, ctx.boot_cause.value)

    def connected(self, ctx: Context) -> None:
        """A connection proves the security profile."""
        if ctx.upkeep is not None:
            ctx.upkeep.proved = ctx.settings.text(SECURITY_PROFILE)
            ctx.upkeep.failures = 0

    def dial_failed(self, ctx: Context) -> None:
        """A05.FR.08: fall back to the profile that worked."""
        upkeep, profile = ctx.upkeep, ctx.settings.text(SECURITY_PROFILE)
        if upkeep is None or upkeep.proved == profile:
            return
        upkeep.failures += 1
        if upkeep.failures >= _TOLERANCE:
            upkeep.failures = 0
            ctx.settings.store(SECURITY_PROFILE, upkeep.proved)
            words = f"no connection with security profile {profile}, back to {upkeep.proved}"
            security_event(ctx, SecurityEvent.RECONFIGURATION, words)
            ctx.remember(urgent=True)

    def _key_changed(self, ctx: Context) -> None:
        # A01.FR.11-12: the change is logged, the key is not.
        security_event(ctx, SecurityEvent.RECONFIGURATION, "AuthorizationKey changed")
        ctx.remember(urgent=True)
        if ctx.settings.number(SECURITY_PROFILE) in {1, 2}:
            ctx.hang_up = "new password"

    def _profile_changed(self, ctx: Context) -> None:
        profile = ctx.settings.text(SECURITY_PROFILE)
        security_event(ctx, SecurityEvent.RECONFIGURATION, f"security profile {profile}")
        ctx.remember(urgent=True)
        ctx.hang_up = f"security profile {profile}"

    def _trigger(self, ctx: Context, request: Payload) -> Payload:
        wanted: str = request["requestedMessage"]
        handler = ctx.dialect.triggers.get(_TRIGGERED.get(wanted, wanted))
        if handler is None:
            status = TriggerMessageStatus.NOT_IMPLEMENTED
        elif ctx.registration is Registration.NONE or not ctx.room_for(len(ctx.station.connectors) + 1):
            status = TriggerMessageStatus.REJECTED  # as for TriggerMessage
        else:
            status = TriggerMessageStatus.ACCEPTED if handler(ctx, request) else TriggerMessageStatus.REJECTED
        return {"status": status.value}


def _heard(_ctx: Context, _request: Payload, _answer: Payload | Failure) -> None:
    """Nothing depends on it."""
