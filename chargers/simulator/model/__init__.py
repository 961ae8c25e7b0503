"""The machine that a session pretends to be: layout, state, settings, clock and dice. Pure, and knows no message."""
