"""Words of 1.6 for what happens at the station."""

from enum import StrEnum
from typing import Final

from chargers.protocol.v16.enums import ChargePointErrorCode, ChargePointStatus
from chargers.simulator.model.charging import FaultKind
from chargers.simulator.model.connector import Condition


class Reason(StrEnum):
    """§7.37: why a transaction ended."""

    DE_AUTHORIZED = "DeAuthorized"
    EMERGENCY_STOP = "EmergencyStop"
    EV_DISCONNECTED = "EVDisconnected"
    HARD_RESET = "HardReset"
    LOCAL = "Local"
    OTHER = "Other"
    POWER_LOSS = "PowerLoss"
    REBOOT = "Reboot"
    REMOTE = "Remote"
    SOFT_RESET = "SoftReset"
    UNLOCK_COMMAND = "UnlockCommand"


STATUS: Final = {
    Condition.AVAILABLE: ChargePointStatus.AVAILABLE,
    Condition.PREPARING: ChargePointStatus.PREPARING,
    Condition.CHARGING: ChargePointStatus.CHARGING,
    Condition.SUSPENDED_EVSE: ChargePointStatus.SUSPENDED_EVSE,
    Condition.SUSPENDED_EV: ChargePointStatus.SUSPENDED_EV,
    Condition.FINISHING: ChargePointStatus.FINISHING,
    Condition.RESERVED: ChargePointStatus.RESERVED,
    Condition.UNAVAILABLE: ChargePointStatus.UNAVAILABLE,
    Condition.FAULTED: ChargePointStatus.FAULTED,
}

ERROR: Final = {
    FaultKind.GROUND_FAULT: ChargePointErrorCode.GROUND_FAILURE,
    FaultKind.OVER_CURRENT: ChargePointErrorCode.OVER_CURRENT_FAILURE,
    FaultKind.OVER_VOLTAGE: ChargePointErrorCode.OVER_VOLTAGE,
    FaultKind.UNDER_VOLTAGE: ChargePointErrorCode.UNDER_VOLTAGE,
    FaultKind.OVER_TEMPERATURE: ChargePointErrorCode.HIGH_TEMPERATURE,
    FaultKind.INTERNAL_ERROR: ChargePointErrorCode.INTERNAL_ERROR,
    FaultKind.CONNECTOR_LOCK_FAILURE: ChargePointErrorCode.CONNECTOR_LOCK_FAILURE,
    FaultKind.EV_COMMUNICATION_ERROR: ChargePointErrorCode.EV_COMMUNICATION_ERROR,
    FaultKind.POWER_METER_FAILURE: ChargePointErrorCode.POWER_METER_FAILURE,
    FaultKind.WEAK_SIGNAL: ChargePointErrorCode.WEAK_SIGNAL,
}
VENDOR_ID: Final = "OcppLab"  #: of the vendor's error codes, which are the lab's words for faults
