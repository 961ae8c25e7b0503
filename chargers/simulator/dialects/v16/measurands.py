"""Measurands of 1.6 (§7.31): from what the meter shows to SampledValue (§7.43)."""

from collections.abc import Callable, Iterator
from typing import Final

from chargers.protocol import Payload
from chargers.simulator.model.meter import Meter
from chargers.simulator.model.settings import DataType, Variable

MAX_MEASURANDS: Final = 10  #: the …MaxLength keys
REGISTER: Final = "Energy.Active.Import.Register"
INTERVAL: Final = "Energy.Active.Import.Interval"
ROTATIONS: Final = ("RST", "RTS", "SRT", "STR", "TRS", "TSR")  #: §9.1.13; also NotApplicable and Unknown

_GRID: Final = {"R": 0, "S": 1, "T": 2}
Rows = Iterator[Payload]


def _register(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    yield {"value": str(meter.wh(now)), "unit": "Wh"}


def _interval(meter: Meter, now: float, since: int, _lines: str) -> Rows:
    yield {"value": str(meter.wh(now) - since), "unit": "Wh"}


def _power(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    yield {"value": f"{meter.watts(now):.1f}", "unit": "W"}


def _power_offered(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    yield {"value": f"{meter.offered_w():.1f}", "unit": "W"}


def _current(meter: Meter, now: float, _since: int, lines: str) -> Rows:
    if not lines:
        yield {"value": f"{meter.amps(now)[0]:.2f}", "unit": "A"}
    for line, amps in zip(lines, meter.amps(now), strict=False):
        yield {"value": f"{amps:.2f}", "unit": "A", "phase": f"L{_GRID[line] + 1}"}


def _current_offered(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    yield {"value": f"{meter.offered_amps(now):.2f}", "unit": "A"}


def _voltage(meter: Meter, now: float, _since: int, lines: str) -> Rows:
    if not lines:
        yield {"value": f"{meter.volts(now)[0]:.1f}", "unit": "V"}
    for line, volts in zip(lines, meter.volts(now), strict=False):
        yield {"value": f"{volts:.1f}", "unit": "V", "phase": f"L{_GRID[line] + 1}-N"}


def _frequency(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    yield {"value": f"{meter.hertz(now):.2f}"}  # §7.45 has no unit for it


def _temperature(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    yield {"value": f"{meter.celsius(now):.1f}", "unit": "Celsius", "location": "Body"}


def _soc(meter: Meter, now: float, _since: int, _lines: str) -> Rows:
    soc = meter.soc(now)
    if soc is not None:
        yield {"value": f"{soc:.1f}", "unit": "Percent", "location": "EV"}


_MAKERS: Final[dict[str, Callable[[Meter, float, int, str], Rows]]] = {
    REGISTER: _register,
    INTERVAL: _interval,
    "Power.Active.Import": _power,
    "Power.Offered": _power_offered,
    "Current.Import": _current,
    "Current.Offered": _current_offered,
    "Voltage": _voltage,
    "Frequency": _frequency,
    "Temperature": _temperature,
    "SoC": _soc,
}
_NAMES: Final = {name.casefold(): name for name in _MAKERS}


def sampled(
    meter: Meter, now: float, measurands: tuple[str, ...], *, context: str, since_wh: int, lines: str
) -> list[Payload]:
    """The values of one instant.

    `since_wh` is the register at the last reading of the kind; `lines` names the grid's phase behind each line of the
    connector (`RST`; "" for DC).
    """
    values: list[Payload] = []
    for measurand in measurands:
        for row in _MAKERS[measurand](meter, now, since_wh, lines):
            row["context"] = context
            row["measurand"] = measurand
            values.append(row)
    return values


def _checked_measurands(text: str) -> str | None:
    wanted = [part.strip().casefold() for part in text.split(",")] if text.strip() else []
    if len(wanted) > MAX_MEASURANDS or len(set(wanted)) != len(wanted) or any(one not in _NAMES for one in wanted):
        return None
    return ",".join(_NAMES[one] for one in wanted)


def _checked_rotation(text: str) -> str | None:
    """`0.RST, 1.STR`: connector and rotation (§9.1.13); a single value counts for all."""
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    if len(parts) > MAX_MEASURANDS:
        return None
    for part in parts:
        number, dot, rotation = part.rpartition(".")
        if (dot and not number.isdigit()) or rotation not in {*ROTATIONS, "NotApplicable", "Unknown"}:
            return None
    return ",".join(parts)


def _list(component: str, name: str, default: str) -> Variable:
    return Variable(component, name, DataType.SEQUENCE_LIST, default, check=_checked_measurands)


SAMPLED: Final = _list("SampledDataCtrlr", "TxUpdatedMeasurands", f"{REGISTER},Power.Active.Import,SoC")
ALIGNED: Final = _list("AlignedDataCtrlr", "Measurands", f"{REGISTER},Power.Active.Import")
STOP_SAMPLED: Final = _list("SampledDataCtrlr", "TxEndedMeasurands", "")
STOP_ALIGNED: Final = _list("AlignedDataCtrlr", "TxEndedMeasurands", "")
PHASE_ROTATION: Final = Variable(
    "ChargingStation", "PhaseRotation", DataType.SEQUENCE_LIST, "", check=_checked_rotation
)


def lines_of(rotations: tuple[str, ...], connector: int, phases: int) -> str:
    """The grid's phases behind the lines of a connector, by the key ConnectorPhaseRotation."""
    if phases == 0:
        return ""
    for wanted in (f"{connector}.", "0.", ""):
        for one in rotations:
            if (wanted and one.startswith(wanted)) or (not wanted and "." not in one):
                rotation = one.rpartition(".")[2]
                return (rotation if rotation in ROTATIONS else ROTATIONS[0])[:phases]
    return ROTATIONS[0][:phases]
