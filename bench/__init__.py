"""Measurements of a whole lab on this machine: `make bench`."""
