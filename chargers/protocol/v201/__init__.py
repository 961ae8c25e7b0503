"""OCPP 2.0.1 (edition 2): actions and words."""
