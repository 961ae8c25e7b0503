"""Certificates (white paper, A02 and M03-M05): trusted roots, and the charger's own.

Decisions: only self-signed certificates of an authority are roots. A certificate of the charger must lead to an
installed CentralSystemRootCertificate and name its serial number (A00.FR.511). The private key stays with the charger
and its memory. A SignCertificate that is refused or lost is not repeated (A02 "Error handling").
"""

from collections.abc import Mapping
from typing import Final

from chargers.protocol import Payload
from chargers.simulator.dialects.base import AnswerHandler, Block, CallHandler, Failure, TriggerHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.effects import KeyPair, MakeKey
from chargers.simulator.model.upkeep import Credential
from chargers.simulator.model.variables import ORGANIZATION_NAME, SECURITY_PROFILE

from .security import CENTRAL_ROOT, CHAIN_MAX, STORE_MAX, SecurityEvent, security_event

SIGN: Final = "SignCertificate"
_KEPT: Final = 2  #: own certificates: the newest and the one before it (A02.FR.10)


class CertificatesBlock(Block):
    """Keeps certificates, and asks for one of its own."""

    title = "Security: certificates"

    def calls(self) -> Mapping[str, CallHandler]:
        """InstallCertificate, DeleteCertificate, GetInstalledCertificateIds, CertificateSigned."""
        return {
            "InstallCertificate": self._install,
            "DeleteCertificate": self._delete,
            "GetInstalledCertificateIds": self._list,
            "CertificateSigned": self._signed,
        }

    def answers(self) -> Mapping[str, AnswerHandler]:
        """SignCertificate."""
        return {SIGN: self._answered}

    def triggers(self) -> Mapping[str, TriggerHandler]:
        """SignChargePointCertificate: make a new key and ask for its certificate (A02.FR.02-03)."""
        return {"SignChargePointCertificate": self._triggered}

    def _install(self, ctx: Context, request: Payload) -> Payload:
        from chargers.simulator.model import certificates

        use, pem = request["certificateType"], request["certificate"]
        try:
            certificate = certificates.read(pem)
            certificates.check_root(certificate, ctx.clock.at(ctx.now))
        except certificates.BadCertificate as error:
            if use == CENTRAL_ROOT:
                security_event(ctx, SecurityEvent.INVALID_CENTRAL_SYSTEM_CERTIFICATE, str(error))
            return {"status": "Rejected"}
        roots = ctx.need_upkeep().roots
        if any(certificates.read(one) == certificate for one in roots.get(use, ())):
            return {"status": "Accepted"}
        if sum(map(len, roots.values())) >= STORE_MAX:
            return {"status": "Rejected"}
        roots.setdefault(use, []).append(pem)
        security_event(ctx, SecurityEvent.RECONFIGURATION, f"{use} installed")
        ctx.remember(urgent=True)
        return {"status": "Accepted"}

    def _delete(self, ctx: Context, request: Payload) -> Payload:
        from chargers.simulator.model import certificates

        wanted = request["certificateHashData"]
        name = certificates.CertificateHash(
            wanted["hashAlgorithm"],
            wanted["issuerNameHash"].upper(),
            wanted["issuerKeyHash"].upper(),
            wanted["serialNumber"].upper().lstrip("0") or "0",
        )
        for use, pems in (ctx.upkeep.roots if ctx.upkeep is not None else {}).items():
            for pem in pems:
                if certificates.hash_of(certificates.read(pem), name.algorithm, []) == name:
                    if use == CENTRAL_ROOT and len(pems) == 1 and ctx.settings.number(SECURITY_PROFILE) >= 2:
                        return {"status": "Failed"}  # M04.FR.06: the connection stands on it
                    pems.remove(pem)
                    security_event(ctx, SecurityEvent.RECONFIGURATION, f"{use} deleted")
                    ctx.remember(urgent=True)
                    return {"status": "Accepted"}
        return {"status": "NotFound"}

    def _list(self, ctx: Context, request: Payload) -> Payload:
        from chargers.simulator.model import certificates

        pems = ctx.upkeep.roots.get(request["certificateType"], ()) if ctx.upkeep is not None else ()
        if not pems:
            return {"status": "NotFound"}
        names = [certificates.hash_of(certificates.read(pem), "SHA256", []) for pem in pems]
        data = [
            {
                "hashAlgorithm": name.algorithm,
                "issuerNameHash": name.issuer_name,
                "issuerKeyHash": name.issuer_key,
                "serialNumber": name.serial,
            }
            for name in names
        ]
        return {"status": "Accepted", "certificateHashData": data}

    def _triggered(self, ctx: Context, _request: Payload) -> bool:
        organization = ctx.settings.text(ORGANIZATION_NAME)
        if not organization:
            return False  # A02 "Prerequisites": CpoName must be set
        upkeep = ctx.need_upkeep()
        upkeep.making = upkeep.next_id("key")
        ctx.effects.append(MakeKey(upkeep.making, _serial(ctx), organization))
        return True

    def key_made(self, ctx: Context, key_id: str, pair: KeyPair) -> None:
        """Ask for a certificate. An older key that still waits for one is forgotten."""
        upkeep = ctx.need_upkeep()
        if upkeep.making != key_id:
            return
        upkeep.making, upkeep.key = "", pair.key
        ctx.remember(urgent=True)
        ctx.call(SIGN, {"csr": pair.csr}, asked=True)

    def _answered(self, ctx: Context, _request: Payload, answer: Payload | Failure) -> None:
        if isinstance(answer, Failure) or answer["status"] != "Accepted":
            ctx.count("certificate_not_signed")

    def _signed(self, ctx: Context, request: Payload) -> Payload:
        from chargers.simulator.model import certificates

        upkeep, shown = ctx.need_upkeep(), ctx.clock.at(ctx.now)
        try:
            if len(request["certificateChain"]) > CHAIN_MAX:
                raise certificates.BadCertificate("the chain is longer than CertificateSignedMaxChainSize")
            chain = certificates.read_chain(request["certificateChain"])
            if not upkeep.key or not certificates.belongs(chain[0], upkeep.key):
                raise certificates.BadCertificate("the certificate is for another key")
            if certificates.common_name(chain[0]) != _serial(ctx):
                raise certificates.BadCertificate("the certificate is for another serial number")
            certificates.check_time(chain[0], shown, early=True)
            roots = [certificates.read(one) for one in upkeep.roots.get(CENTRAL_ROOT, ())]
            certificates.check_issued(chain, roots, shown)
        except certificates.BadCertificate as error:
            security_event(ctx, SecurityEvent.INVALID_CHARGE_POINT_CERTIFICATE, str(error), told=True)
            return {"status": "Rejected"}
        own = Credential(request["certificateChain"], upkeep.key, certificates.begins(chain[0]))
        upkeep.credentials = [*upkeep.credentials, own][-_KEPT:]
        upkeep.key = ""
        security_event(ctx, SecurityEvent.RECONFIGURATION, "new certificate of the charger")
        ctx.remember(urgent=True)
        if ctx.settings.number(SECURITY_PROFILE) == 3 and own.begins <= shown:
            ctx.hang_up = "new certificate"  # A02.FR.08: it is used from now on
        return {"status": "Accepted"}


def _serial(ctx: Context) -> str:
    """The name of the charger in its certificate; what has no serial number goes by its identity."""
    return (ctx.spec.serial or ctx.spec.identity)[:64]
