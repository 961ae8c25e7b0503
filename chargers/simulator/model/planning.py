"""The settings of reservations and charging profiles. They are how the charger is made: a CSMS can only read them."""

from typing import Final

from .settings import DataType, Mutability, Variable


def _number(name: str, default: int, *, instance: str = "", minimum: int = 0) -> Variable:
    return Variable(
        "SmartChargingCtrlr",
        name,
        DataType.INTEGER,
        str(default),
        instance=instance,
        mutability=Mutability.READ_ONLY,
        minimum=minimum,
        maximum=1_000,
    )


#: whether the charger takes reservations of the station as a whole (1.6 "ReserveConnectorZeroSupported")
NON_EVSE_SPECIFIC: Final = Variable(
    "ReservationCtrlr", "NonEvseSpecific", DataType.BOOLEAN, "true", mutability=Mutability.READ_ONLY
)
#: the highest stack level (1.6 "ChargeProfileMaxStackLevel")
PROFILE_STACK_LEVEL: Final = _number("ProfileStackLevel", 10)
#: periods of one schedule (1.6 "ChargingScheduleMaxPeriods")
PERIODS_PER_SCHEDULE: Final = _number("PeriodsPerSchedule", 48, minimum=1)
#: charging profiles at a time (1.6 "MaxChargingProfilesInstalled")
MAX_PROFILES: Final = _number("Entries", 20, instance="ChargingProfiles")
#: whether a limit may take phases away from a connector with three (1.6 "ConnectorSwitch3to1PhaseSupported")
PHASES_3_TO_1: Final = Variable(
    "SmartChargingCtrlr", "Phases3to1", DataType.BOOLEAN, "true", mutability=Mutability.READ_ONLY
)
