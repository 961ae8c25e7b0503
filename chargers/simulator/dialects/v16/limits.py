"""What this dialect does not do, and why. Every action of 1.6 is here or in the table of a block."""

from typing import Final

NOT_SUPPORTED: Final[dict[str, str]] = {}

NOT_SENT: Final = {
    "DataTransfer": "there is no vendor extension to speak of",
}
