"""Rows of the chargers app."""

from chargers.catalog.models import Brand, ChargerModel
from chargers.models.charger import Charger
from chargers.models.host import SimulatorHost
from chargers.models.message import Message

__all__ = ["Brand", "Charger", "ChargerModel", "Message", "SimulatorHost"]
