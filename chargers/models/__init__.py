"""Rows of the chargers app."""

from chargers.catalog.models import Brand, ChargerModel
from chargers.models.charger import Charger
from chargers.models.command import Command
from chargers.models.host import SimulatorHost
from chargers.models.memory import ChargerMemory
from chargers.models.message import Message
from chargers.models.stop import LabStop
from chargers.models.transaction import Transaction, TransactionMessage

__all__ = [
    "Brand",
    "Charger",
    "ChargerMemory",
    "ChargerModel",
    "Command",
    "LabStop",
    "Message",
    "SimulatorHost",
    "Transaction",
    "TransactionMessage",
]
