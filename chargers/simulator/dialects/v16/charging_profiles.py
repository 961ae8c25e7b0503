"""ChargingProfile and ChargingSchedule of 1.6 (§7.8, §7.13), in words of the model and back."""

from typing import Final

from chargers.protocol import Payload, format_time, parse_time
from chargers.protocol.v16.enums import ChargingProfileKindType as KindWord
from chargers.protocol.v16.enums import ChargingProfilePurposeType as PurposeWord
from chargers.protocol.v16.enums import RecurrencyKindType as RecurrencyWord
from chargers.simulator.model.limits import Composite
from chargers.simulator.model.profiles import Kind, Period, Profile, Purpose, Schedule, Unit

PURPOSES: Final = {
    PurposeWord.CHARGE_POINT_MAX_PROFILE: Purpose.STATION_MAX,
    PurposeWord.TX_DEFAULT_PROFILE: Purpose.DEFAULT,
    PurposeWord.TX_PROFILE: Purpose.TRANSACTION,
}
_RECURRING: Final = {RecurrencyWord.DAILY: Kind.DAILY, RecurrencyWord.WEEKLY: Kind.WEEKLY}
_LONGEST: Final = 10 * 366 * 86_400  #: s; times within a schedule that are longer are nonsense


class Unreadable(ValueError):
    """A profile that its schema allows and that makes no sense; the message says why."""


def read_profile(said: Payload) -> Profile:
    """A ChargingProfile. A transactionId counts for a TxProfile only (§7.8). Raises `Unreadable`."""
    purpose = PURPOSES[PurposeWord(said["chargingProfilePurpose"])]
    return Profile(
        id=said["chargingProfileId"],
        purpose=purpose,
        level=said["stackLevel"],
        kind=_kind(said),
        schedule=_schedule(said["chargingSchedule"]),
        valid_from=_time(said, "validFrom"),
        valid_to=_time(said, "validTo"),
        transaction=said.get("transactionId") if purpose is Purpose.TRANSACTION else None,
    )


def say_composite(composite: Composite) -> Payload:
    """A ChargingSchedule whose times count from its start."""
    return {
        "startSchedule": format_time(composite.start),
        "duration": composite.duration,
        "chargingRateUnit": composite.unit.value,
        "chargingSchedulePeriod": [
            {"startPeriod": one.start, "limit": one.limit} | ({"numberPhases": one.phases} if one.phases else {})
            for one in composite.periods
        ],
    }


def _kind(said: Payload) -> Kind:
    kind = KindWord(said["chargingProfileKind"])
    if kind is KindWord.RECURRING:
        if "recurrencyKind" not in said:
            raise Unreadable("recurrencyKind is missing")
        return _RECURRING[RecurrencyWord(said["recurrencyKind"])]
    return Kind.ABSOLUTE if kind is KindWord.ABSOLUTE else Kind.RELATIVE


def _schedule(said: Payload) -> Schedule:
    periods = tuple(
        Period(one["startPeriod"], one["limit"], one.get("numberPhases")) for one in said["chargingSchedulePeriod"]
    )
    duration = said.get("duration")
    if not periods or periods[0].start != 0:
        raise Unreadable("the first period does not start at 0")  # §5.16.4
    if any(not 0 <= seconds <= _LONGEST for seconds in (duration or 0, *(one.start for one in periods))):
        raise Unreadable("a time is negative or absurdly long")
    return Schedule(
        unit=Unit(said["chargingRateUnit"]),
        periods=periods,
        start=_time(said, "startSchedule"),
        duration=duration,
        least=said.get("minChargingRate", 0.0),
    )


def _time(said: Payload, name: str) -> float | None:
    if name not in said:
        return None
    moment = parse_time(said[name])
    if moment is None:
        raise Unreadable(f"{name} is no date-time")
    return moment
