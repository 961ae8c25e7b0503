"""Choices of a charger."""

from django.db.models import TextChoices

from chargers.simulator.effects import ConnectionState, Direction


class OcppVersion(TextChoices):
    """OCPP versions in the spelling of the chargers' routes; commands use the lower-case form."""

    V16 = "OCPP1.6", "OCPP 1.6"
    V201 = "OCPP2.0.1", "OCPP 2.0.1"


class CurrentType(TextChoices):
    """What a model gives to the car."""

    AC = "ac", "AC"
    DC = "dc", "DC"


class ConnectorType(TextChoices):
    """Connector types that a charger may carry, in the contract's spelling."""

    TYPE1 = "Type1", "Type 1 (SAE J1772)"
    TYPE2 = "Type2", "Type 2 (IEC 62196)"
    CCS1 = "CCS1", "CCS 1"
    CCS2 = "CCS2", "CCS 2"
    CHADEMO = "CHAdeMO", "CHAdeMO"
    NACS = "NACS", "NACS (SAE J3400)"
    GBT_AC = "GBT_AC", "GB/T AC"
    GBT_DC = "GBT_DC", "GB/T DC"
    SCHUKO = "Schuko", "Schuko (CEE 7/3)"
    TYPE3 = "Type3", "Type 3"
    MCS = "MCS", "MCS"


class HostStatus(TextChoices):
    """Life of a simulator process as the database sees it."""

    LIVE = "live"
    DRAINING = "draining"
    GONE = "gone"


class MessageLog(TextChoices):
    """Which frames of a charger the message log keeps."""

    ALL = "all", "all frames"
    TRANSACTIONS = "transactions", "transaction messages, and why connections ended"
    NONE = "none", "nothing"


class CommandStatus(TextChoices):
    """Life of an order to a charger."""

    QUEUED = "queued"  #: nobody has taken it yet
    RUNNING = "running"  #: its host took it
    DONE = "done"
    FAILED = "failed"  #: the charger could not, or would not
    LOST = "lost"  #: the host ended before it told the outcome


class TransactionState(TextChoices):
    """Whether a charging transaction goes on."""

    RUNNING = "running"
    STOPPED = "stopped"


#: values of ConnectionState and Direction (which the pure core owns) as Django choices
CONNECTION_STATES = [(state.value, state.value.capitalize()) for state in ConnectionState]
DIRECTIONS = [
    (Direction.TO_CSMS.value, "charger to CSMS"),
    (Direction.FROM_CSMS.value, "CSMS to charger"),
    (Direction.CONNECTION.value, "connection"),
]
