"""A plot as SVG: lines over one axis, each with its name at its end, on a light ground or a dark one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 220, 30, 40
COLOURS = ("#8b949e", "#3b82f6", "#e8590c", "#2f9e44", "#be4bdb")
STYLE = """
text { font: 13px sans-serif; fill: #1f2328 }
line { stroke: #8b949e; stroke-opacity: .4 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }
"""
Points = Sequence[tuple[float, float]]


def draw(title: str, across: str, lines: Mapping[str, Points]) -> str:
    """The text of an SVG of these lines, whose axes begin at nothing; `across` says what the x axis is."""
    widest = max(x for points in lines.values() for x, _ in points)
    highest = max(y for points in lines.values() for _, y in points) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + x / widest * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - y / highest * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text x="{LEFT}" y="18">{escape(title)}</text>']
    for quarter in range(5):
        left, y = place(0, highest * quarter / 4)
        parts.append(f'<line x1="{left}" y1="{y:.0f}" x2="{WIDTH - RIGHT}" y2="{y:.0f}"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{highest * quarter / 4:.3g}</text>')
    parts += [
        f'<text x="{place(x, 0)[0]:.0f}" y="{HEIGHT - 20}" text-anchor="middle">{x:,.0f}</text>'
        for x in sorted({x for points in lines.values() for x, _ in points})
    ]
    parts.append(f'<text x="{WIDTH - RIGHT + 8}" y="{HEIGHT - 4}">{escape(across)}</text>')
    free = float(HEIGHT)
    ordered = sorted(zip(lines.items(), COLOURS, strict=False), key=lambda each: each[0][1][-1][1])
    for (name, points), colour in ordered:  # from below, so that names do not stand upon each other
        path = " ".join("{:.1f},{:.1f}".format(*place(x, y)) for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        end = place(*points[-1])
        free = min(end[1] + 4, free - 17)
        parts.append(f'<rect x="{end[0] + 8:.0f}" y="{free - 8:.0f}" width="10" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{end[0] + 24:.0f}" y="{free:.0f}">{escape(name)}</text>')
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n"
    )
