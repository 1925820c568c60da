"""The few SVG elements that a timeline needs, written out by hand."""

from html import escape

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f }
.paper { fill: #ffffff } .small { font-size: 11px } .head { font-size: 15px; font-weight: 600 } .dim { fill: #57606a }
.chaos { fill: #fff4e5 } .grid { stroke: #d8dee4 } .lane { stroke: #eaeef2; stroke-width: 14 }
.up { fill: #b7dfc4 } .down { fill: #d1242f } .paused { fill: #d4a72c } .stopped { fill: #8250df }
.fault { fill: #f0a35e } .byzantine { fill: #b083f0 } .deep { fill: #ff8182 }
.proposed { fill: #cfe3fa } .open { fill: #6cb0f5 } .landed { fill: #0969da }
.ack { fill: #1a7f37 } .no-ack { fill: #d1242f } .rejected { fill: #8250df }
.healed { stroke: #57606a; stroke-dasharray: 5 3 } .converged { stroke: #1a7f37; stroke-dasharray: 5 3 }
.violation { stroke: #d1242f; stroke-width: 2 } .halted { stroke: #8250df; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } .paper { fill: #0d1117 } .dim { fill: #9198a1 }
.chaos { fill: #2b2013 } .grid { stroke: #2f353d }
.up { fill: #1f4d2e } .down { fill: #f85149 } .fault { fill: #a8642a }
.byzantine { fill: #7747c4 } .deep { fill: #b62324 }
.proposed { fill: #1d3a5f } .open { fill: #2f6fb5 } .landed { fill: #58a6ff }
.ack { fill: #3fb950 } .no-ack { fill: #f85149 }
.healed { stroke: #9198a1 } .converged { stroke: #3fb950 }
.violation { stroke: #f85149 } .halted { stroke: #a371f7 }
}
"""
CHARACTER_PX = 6.2
"""The usual width of a small character."""


class Svg:
    """A drawing under construction. Coordinates are px from the top left; classes are those of STYLE."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def bar(self, kind: str, x: float, y: float, width: float, height: float, title: str = "") -> None:
        """A rectangle with rounded corners; the title is shown when somebody points at it."""
        self._parts.append(
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2">'
            f"{_title(title)}</rect>"
        )

    def dot(self, kind: str, x: float, y: float, title: str) -> None:
        """A filled circle."""
        self._parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5">{_title(title)}</circle>')

    def mark(self, kind: str, x: float, y: float, title: str) -> None:
        """A triangle as large as a dot: another shape, for those who do not tell the colours apart."""
        points = f"{x - 5:.1f},{y - 5:.1f} {x + 5:.1f},{y - 5:.1f} {x:.1f},{y + 5:.1f}"
        self._parts.append(f'<polygon class="{kind}" points="{points}">{_title(title)}</polygon>')

    def line(self, kind: str, x1: float, y1: float, x2: float, y2: float) -> None:
        """A straight line."""
        self._parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def text(self, x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> None:
        """Words on a base line."""
        self._parts.append(
            f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
        )

    def begin(self, lane: str) -> None:
        """What follows belongs to a lane."""
        self._parts.append(f'<g data-lane="{escape(lane)}">')

    def end(self) -> None:
        """The lane is finished."""
        self._parts.append("</g>")

    def document(self, width: int, height: float, title: str, description: str) -> str:
        """The whole file."""
        return "\n".join(
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" '
                f'viewBox="0 0 {width} {height:.0f}" role="img" aria-labelledby="title description">',
                f'<title id="title">{escape(title)}</title>',
                f'<desc id="description">{escape(description)}</desc>',
                f"<style>{STYLE}</style>",
                f'<rect class="paper" width="{width}" height="{height:.0f}"/>',
                *self._parts,
                "</svg>\n",
            )
        )


def width_px(words: str) -> float:
    """About how wide small words are."""
    return CHARACTER_PX * len(words)


def _title(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""
