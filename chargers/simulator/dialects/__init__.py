"""OCPP as a charger speaks it: the only place that knows both the machine and the messages. Pure."""
