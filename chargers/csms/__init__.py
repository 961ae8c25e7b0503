"""The built-in CSMS: something to point chargers at when no other backend is at hand.

It is for trying things, and no backend for real chargers: it accepts every id token, keeps what it knows in memory, and
checks each frame against the official schema so that a simulator's mistake shows. `central`, `stations`, `v16` and
`v201` are pure; `consumer` and `switchboard` are the shell; `calls` is how the rest of the project talks to it.
"""
