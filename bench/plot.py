"""One picture of a run: small panels of bars, the bare limit beside ours, as SVG of our own. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from bench.tables import shown
from bench.targets import dig

PANEL_WIDTH, PANEL_HEIGHT, GAP, MARGIN = 420, 250, 28, 24
HEAD, FOOT = 52, 30  # above and below the bars of a panel
COLOURS = {"bare": "#a3acb8", "all": "#2f6fde", "transactions": "#6aa0f0", "none": "#12a58a"}
NAMES = {
    "bare": "bare limit",
    "all": "ours, full message log",
    "transactions": "ours, transactions only",
    "none": "ours, no log",
}
#: chargers from which on the memory of one is not hidden by what a process needs once
ENOUGH = 1_000
INK, FAINT, PAPER = "#1c2430", "#8792a2", "#ffffff"


@dataclass(frozen=True)
class Panel:
    """A title, a unit, and for each size a bar for each kind of figure; a line where the target is."""

    title: str
    unit: str
    bars: Sequence[tuple[str, Mapping[str, float | None]]]
    target: float | None = None


def panels(ladder: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """Return what is worth a picture."""

    def each(
        bare: Sequence[str], ours: Mapping[str, Sequence[str]], ladder: Sequence[Mapping[str, Any]] = ladder
    ) -> list[tuple[str, dict[str, float | None]]]:
        return [
            (
                f"{one['chargers']:,}",
                {"bare": dig(one, "bare", *bare)} | {kind: dig(one, "ours", *path) for kind, path in ours.items()},
            )
            for one in ladder
        ]

    many = [one for one in ladder if one["chargers"] >= ENOUGH]
    levels = ("all", "transactions", "none")
    return [
        Panel("Memory of a session", "KB", each(["KB/session"], {"all": ["memory", "KB/session"]}, many), 25),
        Panel("At rest", "CPU s a minute", each(["rest CPU s/min"], {"all": ["rest", "CPU s/min"]}), 4),
        Panel(
            "Charging, meter values every 10 s",
            "CPU s a minute",
            each(["charge CPU s/min"], {level: ["charge", level, "CPU s/min"] for level in levels}),
            15,
        ),
        Panel(
            "Highest rate",
            "exchanges a second",
            each(["exchanges/s"], {level: ["flood", level, "exchanges/s"] for level in levels}),
        ),
    ]


def svg(ladder: Sequence[Mapping[str, Any]], caption: str) -> str:
    """Draw the panels, two in a row, with a legend and a caption."""
    drawn = panels(ladder)
    rows = (len(drawn) + 1) // 2
    width = 2 * PANEL_WIDTH + GAP + 2 * MARGIN
    height = rows * (PANEL_HEIGHT + GAP) + 2 * MARGIN + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="system-ui, sans-serif">',
        f'<rect width="{width}" height="{height}" rx="12" fill="{PAPER}"/>',
    ]
    for number, panel in enumerate(drawn):
        x = MARGIN + (number % 2) * (PANEL_WIDTH + GAP)
        y = MARGIN + (number // 2) * (PANEL_HEIGHT + GAP)
        parts.append(f'<g transform="translate({x},{y})">{_panel(panel)}</g>')
    kinds = [kind for kind in COLOURS if any(dict(bars).get(kind) is not None for one in drawn for _, bars in one.bars)]
    x = MARGIN
    for kind in kinds:
        parts.append(f'<rect x="{x}" y="{height - 58}" width="11" height="11" rx="2" fill="{COLOURS[kind]}"/>')
        parts.append(_text(x + 17, height - 48, NAMES[kind], size=12))
        x += 40 + 6.6 * len(NAMES[kind])
    parts.append(_text(MARGIN, height - 20, caption, size=11, fill=FAINT))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(panel: Panel) -> str:
    values = [value for _, bars in panel.bars for value in bars.values() if value is not None]
    most = max([*values, panel.target or 0.0, 1e-9]) * 1.12
    room = PANEL_HEIGHT - HEAD - FOOT

    def height(value: float) -> float:
        return value / most * room

    parts = [_text(0, 16, panel.title, size=15, weight=600), _text(0, 34, panel.unit, size=11, fill=FAINT)]
    group = PANEL_WIDTH / max(len(panel.bars), 1)
    for number, (size, bars) in enumerate(panel.bars):
        there = {kind: value for kind, value in bars.items() if value is not None}
        wide = min(30.0, (group - 16) / max(len(there), 1))
        x = number * group + (group - wide * len(there)) / 2
        for kind, value in there.items():
            top = HEAD + room - height(value)
            parts.append(
                f'<rect x="{x + 1.5:.1f}" y="{top:.1f}" width="{wide - 3:.1f}" height="{max(height(value), 0.8):.1f}" '
                f'rx="2" fill="{COLOURS[kind]}"/>'
            )
            parts.append(_text(x + wide / 2, top - 4, _short(value), size=9.5, anchor="middle"))
            x += wide
        parts.append(_text(number * group + group / 2, PANEL_HEIGHT - 12, size, size=11, anchor="middle", fill=FAINT))
    parts.append(f'<path d="M0 {HEAD + room:.1f}H{PANEL_WIDTH}" stroke="{FAINT}" stroke-width="0.8"/>')
    if panel.target is not None and panel.bars:
        y = HEAD + room - height(panel.target)
        last = (len(panel.bars) - 1) * group
        parts.append(f'<path d="M{last:.1f} {y:.1f}H{PANEL_WIDTH}" stroke="#d9534f" stroke-dasharray="4 3"/>')
        parts.append(_text(last, y - 4, f"target {shown(panel.target)}", size=10, fill="#d9534f"))
    return "".join(parts)


def _short(value: float) -> str:
    return f"{value / 1000:.1f}k" if value >= 1000 else shown(float(value))


def _text(
    x: float, y: float, text: str, *, size: float, anchor: str = "start", fill: str = INK, weight: int = 400
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{fill}" paint-order="stroke" '
        f'stroke="{PAPER}" stroke-width="3" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
