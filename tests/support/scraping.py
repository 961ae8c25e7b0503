"""What a process tells at its side door: metrics by name and labels, and health."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

from ocpplab.embedded import free_port


@dataclass(frozen=True, slots=True)
class Reading:
    """All metrics of a process at one moment, by the names of their families."""

    families: dict[str, Metric]

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of that name that have these labels; 0 when there is none."""
        samples = (sample for family in self.families.values() for sample in family.samples if sample.name == name)
        return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Return the sums of the samples of that name by one of their labels, without zeros."""
        samples = [sample for family in self.families.values() for sample in family.samples if sample.name == name]
        words = {sample.labels[label] for sample in samples}
        sums = {word: self.value(name, **labels, **{label: word}) for word in words}
        return {word: total for word, total in sums.items() if total}


class SideDoor:
    """The side door of a process that is started with `env`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.env = {"METRICS_PORT": str(self.port)}

    def get(self, path: str) -> tuple[int, str]:
        """Return status and body; status 0 when nobody opens."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def scrape(self) -> Reading:
        """Read the metrics as Prometheus does."""
        status, text = self.get("/metrics")
        assert status == 200, text
        return Reading({family.name: family for family in text_string_to_metric_families(text)})

    def probe(self, which: str) -> tuple[int, dict[str, Any]]:
        """Return the answer of `live` or `ready`."""
        status, text = self.get(f"/health/{which}")
        return status, json.loads(text) if text else {}

    def is_(self, which: str, status: int) -> bool:
        """Whether the probe says so."""
        return self.probe(which)[0] == status
