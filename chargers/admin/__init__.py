"""The chargers app in the admin. Importing this package registers everything."""

from chargers.admin.charger import ChargerAdmin
from chargers.admin.command import CommandAdmin
from chargers.admin.host import SimulatorHostAdmin
from chargers.admin.message import MessageAdmin
from chargers.admin.stop import LabStopAdmin
from chargers.admin.transaction import TransactionAdmin
from chargers.catalog.admin import BrandAdmin, ChargerModelAdmin

__all__ = [
    "BrandAdmin",
    "ChargerAdmin",
    "ChargerModelAdmin",
    "CommandAdmin",
    "LabStopAdmin",
    "MessageAdmin",
    "SimulatorHostAdmin",
    "TransactionAdmin",
]
