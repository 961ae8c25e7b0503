"""The built-in CSMS: something to point chargers at when no other backend is at hand.

It is for trying things, and no backend for real chargers: it accepts every id tag that nobody listed otherwise, keeps
only id tags and transactions in the database, and checks each frame against the official schema so that a simulator's
mistake shows. `central`, `stations`, `tags`, `transactions`, `v16` and `v201` are pure; `consumer`, `switchboard` and
`journal` are the shell; `calls` and `services` are how the rest of the project talks to it.
"""
