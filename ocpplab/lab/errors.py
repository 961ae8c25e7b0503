"""Why a lab ends other than by being told to."""


class LabError(Exception):
    """The lab cannot start or go on. The message is one line for the user."""
