#!/usr/bin/env python3
"""Draws the step losses of several runs over each other, as one SVG file.

    tools/plot-losses.py OUT.svg NAME=RUN/history.jsonl NAME=RUN/history.jsonl ...

The runs need step records (--log-steps 1). Used for docs/overlay.svg, see docs/performance.md.
"""
import json
import sys

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 760, 340, 50, 34, 14, 40
COLOURS = ["#3d85c6", "#e8833a", "#6aa84f", "#8e7cc3"]


def losses(path):
    with open(path, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [(r["step"], r["loss"]) for r in records if "step" in r]


def main():
    if len(sys.argv) < 3 or any("=" not in a for a in sys.argv[2:]):
        sys.exit(__doc__)
    runs = [(a.split("=", 1)[0], losses(a.split("=", 1)[1])) for a in sys.argv[2:]]
    last = max(step for _, run in runs for step, _ in run)
    low = min(loss for _, run in runs for _, loss in run)
    high = max(loss for _, run in runs for _, loss in run)
    low, high = low - 0.05 * (high - low), high + 0.05 * (high - low)

    def x(step):
        return LEFT + (WIDTH - LEFT - RIGHT) * step / last

    def y(loss):
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - loss) / (high - low)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="12" fill="#444">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']
    for i in range(6):
        loss = low + (high - low) * i / 5
        out.append(f'<path d="M{LEFT} {y(loss):.1f}H{WIDTH - RIGHT}" stroke="#e4e8ec"/>'
                   f'<text x="{LEFT - 6}" y="{y(loss) + 4:.1f}" text-anchor="end">{loss:.2f}</text>')
        step = last * i / 5
        out.append(f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">'
                   f'{step:.0f}</text>')
    out.append(f'<text x="{(LEFT + WIDTH) / 2:.0f}" y="{HEIGHT - 6}" text-anchor="middle">step</text>')
    for i, (name, run) in enumerate(runs):
        points = " ".join(f"{x(s):.1f},{y(v):.1f}" for s, v in run)
        dash = "" if i == 0 else ' stroke-dasharray="5 3"'
        out.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS[i % 4]}" '
                   f'stroke-width="1.4"{dash}/>'
                   f'<text x="{LEFT + 10 + 160 * i}" y="20" fill="{COLOURS[i % 4]}">{name}</text>')
    out.append("</svg>")
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")


main()
