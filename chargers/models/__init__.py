"""Rows of the chargers app."""

from chargers.catalog.models import Brand, ChargerModel
from chargers.models.charger import Charger
from chargers.models.command import Command
from chargers.models.host import SimulatorHost
from chargers.models.memory import ChargerMemory
from chargers.models.message import Message
from chargers.models.transaction import Transaction, TransactionMessage

__all__ = [
    "Brand",
    "Charger",
    "ChargerMemory",
    "ChargerModel",
    "Command",
    "Message",
    "SimulatorHost",
    "Transaction",
    "TransactionMessage",
]
