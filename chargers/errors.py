"""What can be refused about a charger."""

from ocpplab.common.errors import Invalid, NotFound, Problem, Refused, Unavailable


class ChargerNotFound(NotFound):
    """The organization has no such charger."""

    code = "charger_not_found"

    def __init__(self) -> None:
        super().__init__("Charger not found.")


class NotInLocation(NotFound):
    """The location has no such charger."""

    code = "charger_not_found"

    def __init__(self) -> None:
        super().__init__("Charger not found in location")


class UnknownLocation(Refused):
    """A request for a charger names a location that the organization does not have."""

    code = "location_unknown"

    def __init__(self, location_id: object) -> None:
        super().__init__(f"There is no location {str(location_id)[:100]!r} in this organization.")


class IdentityInUse(Refused):
    """Another charger of the organization has this identity at this CSMS."""

    code = "identity_in_use"

    def __init__(self, identity: str, ws_url: str) -> None:
        super().__init__(f"identity already in use: there is another charger {identity!r} at {ws_url}.")


class GivenTwice(Refused):
    """One request holds two changes of the same charger."""

    code = "given_twice"

    def __init__(self, charger_id: str) -> None:
        super().__init__(f"{charger_id} is given twice in this request: only its first entry was applied.")


class ChargerNotRunning(Refused):
    """An order to a charger that no simulator holds (`charger_stopped`, `charger_not_hosted`). Nothing was done."""

    code = "charger_not_running"


class CommandNotFound(NotFound):
    """The organization has no such command: the id is wrong, or the command is old and was pruned."""

    code = "command_not_found"

    def __init__(self) -> None:
        super().__init__("Command not found.")


class TransactionNotFound(NotFound):
    """The organization has no such transaction."""

    code = "transaction_not_found"

    def __init__(self) -> None:
        super().__init__("Transaction not found.")


class CommandRefused(Refused):
    """The charger cannot do what was ordered, or did not; `code` says why."""


class ChargerLimitReached(Invalid):
    """The organization would have more chargers than it may. Nothing was written."""

    code = "charger_limit_reached"

    def __init__(self, *, limit: int, present: int, asked: int) -> None:
        room = max(0, limit - present)
        super().__init__(
            Problem(
                (),
                f"This organization may have {limit} chargers. It has {present}, those of unfinished jobs included, "
                f"and {asked} more were asked for: ask for at most {room}, delete some, or have an administrator "
                "raise the limit.",
                self.code,
                ctx={"limit": limit, "present": present, "asked": asked},
            )
        )


class LabStopped(Unavailable):
    """The lab is stopped, so that nothing new is taken. Nothing was written."""

    code = "lab_stopped"

    def __init__(self, stop: object) -> None:
        super().__init__(f"The lab is stopped since {stop}. Ask again when an administrator has resumed it.")
