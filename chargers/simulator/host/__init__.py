"""The shell that holds sessions: the only asyncio and network code of the simulator.

`process` runs everything; `fleet` decides which chargers this process holds; `runner` ties one session to its
connection (`transport`, over `handshake` and `frames`, made by the `dialler`), its alarm (`timers`) and its records
(`recorder`).
"""
