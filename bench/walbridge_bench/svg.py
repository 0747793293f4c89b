"""Bar charts as SVG, written by hand: panels of grouped horizontal bars, each bar with its figure."""
from dataclasses import dataclass, field
from html import escape

COLORS = {"walbridge": "#1f6feb", "walbridge, other settings": "#86b6f5", "native": "#8c959f", "pgoutput": "#8c959f", "other": "#d0b17a",
          "reference": "#57606a", "floor": "#d8dee4"}
WIDTH, LABEL, RIGHT, BAR, GAP = 980, 290, 200, 15, 9


@dataclass
class Bar:
    label: str
    value: float
    text: str
    color: str = "other"


@dataclass
class Panel:
    """reference: a value with a line of its own, usually 1; note: one sentence under the title."""
    title: str
    note: str
    reference: float | None = None
    groups: list[tuple[str, list[Bar]]] = field(default_factory=list)

    def height(self):
        return 58 + sum(22 + len(bars) * (BAR + 3) + GAP for _, bars in self.groups)


def _text(x, y, text, size=12, weight="normal", anchor="start", color="#24292f"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}" fill="{color}" '
            f'stroke="#ffffff" stroke-width="3" paint-order="stroke">'
            f'{escape(text)}</text>')


def _panel(panel, top):
    largest = max([bar.value for _, bars in panel.groups for bar in bars] + [panel.reference or 0]) or 1
    scale = (WIDTH - LABEL - RIGHT) / largest
    parts = [_text(20, top + 24, panel.title, 16, "bold"), _text(20, top + 43, panel.note, 12, color="#57606a")]
    y = top + 58
    if panel.reference:
        x = LABEL + panel.reference * scale
        parts.append(f'<line x1="{x:.1f}" y1="{y}" x2="{x:.1f}" y2="{top + panel.height()}" stroke="#cf222e" stroke-width="1" stroke-dasharray="4 3"/>')
    for name, bars in panel.groups:
        parts.append(_text(20, y + 14, name, 12, "bold"))
        y += 22
        for bar in bars:
            length = max(bar.value * scale, 1)
            parts.append(_text(LABEL - 8, y + 12, bar.label, 11, anchor="end"))
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2" fill="{COLORS.get(bar.color, COLORS["other"])}"/>')
            parts.append(_text(LABEL + length + 6, y + 12, bar.text, 11))
            y += BAR + 3
        y += GAP
    return parts


def draw(title, subtitle, panels):
    panels = [panel for panel in panels if panel.groups]
    parts, y = [_text(20, 34, title, 20, "bold"), _text(20, 55, subtitle, 12, color="#57606a")], 70
    for panel in panels:
        parts += _panel(panel, y)
        y += panel.height() + 18
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" viewBox="0 0 {WIDTH} {y}" '
            'font-family="DejaVu Sans, Helvetica, Arial, sans-serif">\n'
            f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n")
