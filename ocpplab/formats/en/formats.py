"""One format wherever Django prints a time: sortable, to the second, UTC. Django's own for English has no seconds."""

DATETIME_FORMAT = "Y-m-d H:i:s"
DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
