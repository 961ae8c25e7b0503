"""SmartCharging: SetChargingProfile (§5.16), ClearChargingProfile (§5.5), GetCompositeSchedule (§5.7).

Where the specification leaves room:

- A profile that names fewer phases than a connector has is NotSupported when ConnectorSwitch3to1PhaseSupported is
  false: such a charger could not obey.
- ClearChargingProfile removes what matches everything that the request names, the id included.
- A composite schedule is in amperes when no unit is asked for, in watts for a station that has DC connectors only.
"""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from chargers.protocol import Payload
from chargers.protocol.v16.enums import (
    ChargingProfilePurposeType,
    ChargingProfileStatus,
    ClearChargingProfileStatus,
    GetCompositeScheduleStatus,
)
from chargers.simulator.dialects.base import Block, CallHandler
from chargers.simulator.dialects.context import Context
from chargers.simulator.model.charging import Transaction
from chargers.simulator.model.limits import Limits
from chargers.simulator.model.planning import (
    MAX_PROFILES,
    PERIODS_PER_SCHEDULE,
    PHASES_3_TO_1,
    PROFILE_STACK_LEVEL,
)
from chargers.simulator.model.power import GRID_PHASES
from chargers.simulator.model.profiles import Bounds, Profile, Purpose, Unit

from .charging_profiles import PURPOSES, Unreadable, read_profile, say_composite
from .keys import Key, Setting, fixed

#: §9.4 Smart Charging profile
KEYS: Final[tuple[Key, ...]] = (
    Setting("ChargeProfileMaxStackLevel", PROFILE_STACK_LEVEL),
    fixed("ChargingScheduleAllowedChargingRateUnit", "Current,Power"),
    Setting("ChargingScheduleMaxPeriods", PERIODS_PER_SCHEDULE),
    Setting("ConnectorSwitch3to1PhaseSupported", PHASES_3_TO_1),
    Setting("MaxChargingProfilesInstalled", MAX_PROFILES),
)
PROFILE_OPTION: Final = "chargingProfile"  #: the name of a profile in the options of a claim and its transaction


class SmartChargingBlock(Block):
    """Keeps charging profiles; the station obeys them by itself when it is told that the power changed."""

    title = "Smart charging"
    memory_key = "limits"

    def calls(self) -> Mapping[str, CallHandler]:
        """SetChargingProfile, ClearChargingProfile and GetCompositeSchedule."""
        return {
            "SetChargingProfile": self._set,
            "ClearChargingProfile": self._clear,
            "GetCompositeSchedule": self._composite,
        }

    def remember(self, ctx: Context) -> list[dict[str, Any]] | None:
        """The installed profiles."""
        return ctx.station.limits.dump() if ctx.station.limits is not None else None

    def restore(self, ctx: Context, memory: Any) -> None:
        """Take them back."""
        _limits(ctx).load(memory)
        _tidy(ctx)

    def clock_set(self, ctx: Context) -> None:
        """Limits go by the charger's clock."""
        if ctx.station.limits is not None:
            ctx.power_changed = True

    def transaction_started(self, ctx: Context, transaction: Transaction) -> None:
        """Install the profile that came with a remote start (§5.16.2)."""
        options = transaction.options or {}
        if PROFILE_OPTION in options:
            problem = _install(ctx, transaction.connector, read_profile(options[PROFILE_OPTION]))
            if problem is not ChargingProfileStatus.ACCEPTED:
                ctx.count("profile_not_installed")

    def transaction_numbered(self, ctx: Context, transaction: Transaction) -> None:
        """What was installed for another transaction, while the id of this one was not known, goes."""
        limits = ctx.station.limits
        if limits is not None and transaction.number is not None:
            _changed(ctx, limits.drop_foreign(transaction.connector, transaction.number))

    def transaction_ended(self, ctx: Context, transaction: Transaction) -> None:
        """A TxProfile ends with its transaction (§3.13.1)."""
        if ctx.station.limits is not None:
            _changed(ctx, ctx.station.limits.transaction_ended(transaction.connector))

    def _set(self, ctx: Context, request: Payload) -> Payload:
        try:
            profile = read_profile(request["csChargingProfiles"])
        except Unreadable:
            return {"status": ChargingProfileStatus.REJECTED.value}
        return {"status": _install(ctx, request["connectorId"], profile).value}

    def _clear(self, ctx: Context, request: Payload) -> Payload:
        limits, purpose = ctx.station.limits, request.get("chargingProfilePurpose")
        removed = 0
        if limits is not None:
            removed = limits.clear(
                profile_id=request.get("id"),
                connector=request.get("connectorId"),
                purpose=None if purpose is None else PURPOSES[ChargingProfilePurposeType(purpose)],
                level=request.get("stackLevel"),
            )
            _changed(ctx, removed)
        status = ClearChargingProfileStatus.ACCEPTED if removed else ClearChargingProfileStatus.UNKNOWN
        return {"status": status.value}

    def _composite(self, ctx: Context, request: Payload) -> Payload:
        number, duration, station = request["connectorId"], request["duration"], ctx.station
        if not 0 <= number <= len(station.connectors) or duration <= 0:
            return {"status": GetCompositeScheduleStatus.REJECTED.value}
        limits = station.limits or Limits(station.supplies(), _bounds(ctx))
        # only whole seconds can be said; the next one, because what was installed in this one counts already
        start = math.ceil(ctx.clock.at(ctx.now))
        unit = Unit(request.get("chargingRateUnit", _usual_unit(ctx)))
        composite = limits.composite(
            start, duration, unit, number, station.running(), station_w=float(station.max_power_w)
        )
        schedule = say_composite(composite)
        return {
            "status": GetCompositeScheduleStatus.ACCEPTED.value,
            "connectorId": number,
            "scheduleStart": schedule["startSchedule"],
            "chargingSchedule": schedule,
        }


def comes_with_remote_start(ctx: Context, connector: int, said: Payload) -> bool:
    """Whether a profile in RemoteStartTransaction can be obeyed: a TxProfile without a transactionId (§5.16.2)."""
    try:
        profile = read_profile(said)
    except Unreadable:
        return False
    if profile.purpose is not Purpose.TRANSACTION or profile.transaction is not None:
        return False
    limits = ctx.station.limits
    full = limits is not None and len(limits.installed) >= ctx.settings.number(MAX_PROFILES)
    replaced = limits is not None and any(one.profile.id == profile.id for one in limits.installed)
    obeyed = _phases_fit(ctx, connector, profile) and _bounds(ctx).problem(profile) is None
    return obeyed and (replaced or not full)


def _install(ctx: Context, connector: int, profile: Profile) -> ChargingProfileStatus:
    if not _phases_fit(ctx, connector, profile):
        return ChargingProfileStatus.NOT_SUPPORTED
    limits = _limits(ctx)
    problem = limits.install(ctx.clock.at(ctx.now), connector, profile, ctx.station.running())
    if problem is not None:
        _tidy(ctx)
        return ChargingProfileStatus.REJECTED
    _changed(ctx, 1)
    return ChargingProfileStatus.ACCEPTED


def _phases_fit(ctx: Context, connector: int, profile: Profile) -> bool:
    """Whether the charger can use as few phases as a profile wants. DC connectors load all phases of the grid alike."""
    if ctx.settings.flag(PHASES_3_TO_1):
        return True
    concerned = ctx.station.connectors if connector == 0 else (ctx.station.connector(connector),)
    most = max((one.spec.phases for one in concerned if one is not None), default=0)
    return all((period.phases or GRID_PHASES) >= most for period in profile.schedule.periods)


def _limits(ctx: Context) -> Limits:
    station = ctx.station
    limits = station.limits or station.make_limits(Limits(station.supplies(), _bounds(ctx)))
    limits.bounds = _bounds(ctx)
    return limits


def _changed(ctx: Context, profiles: int) -> None:
    """So many profiles came or went."""
    if profiles:
        ctx.power_changed = True
        ctx.remember(urgent=True)
        _tidy(ctx)


def _tidy(ctx: Context) -> None:
    if ctx.station.limits is not None and not ctx.station.limits.installed:
        ctx.station.limits = None


def _bounds(ctx: Context) -> Bounds:
    numbers: Iterable[int] = (
        ctx.settings.number(one) for one in (PROFILE_STACK_LEVEL, MAX_PROFILES, PERIODS_PER_SCHEDULE)
    )
    return _shared_bounds(*numbers)


@lru_cache(maxsize=64)
def _shared_bounds(level: int, installed: int, periods: int) -> Bounds:
    return Bounds(max_level=level, max_installed=installed, max_periods=periods)


def _usual_unit(ctx: Context) -> str:
    alternating = any(one.spec.phases for one in ctx.station.connectors)
    return (Unit.AMPS if alternating else Unit.WATTS).value
