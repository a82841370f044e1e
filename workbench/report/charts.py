"""SVG charts without scripts or outside resources; colours are CSS classes of the page."""

import math
from html import escape

# Classes s0 (lpgen) to s9 in page.css: the Okabe-Ito palette, told apart by shape too.
SHAPES = ("circle", "square", "diamond", "triangle", "down", "plus", "cross", "bar",
          "ring", "box")

# Of a chart without a page: it has a background of its own, which follows the reader's colour
# scheme, since it does not know that of the page.
STYLE = """
svg { --ink: #1d2329; --dim: #5b6670; --paper: #fbfbfa; --rule: #dfe2e4; --bar: #0072b2; }
@media (prefers-color-scheme: dark) { svg { --ink: #e6e8ea; --dim: #9aa5af;
  --paper: #16191c; --rule: #33393f; --bar: #3f9fd8; } }
.paper { fill: var(--paper); stroke: var(--rule); }
text { font: 13px system-ui, sans-serif; fill: var(--ink); }
.dim { fill: var(--dim); font-size: 12px; } .small { font-size: 12px; }
.title { font-weight: 600; font-size: 15px; } .name, .value { font-weight: 600; }
.value { fill: var(--bar); } .grid { stroke: var(--rule); }
.fill { stroke: var(--paper); stroke-width: 1; } .open { fill: none; stroke-width: 2; }
.fill.s0 { fill: var(--bar); }
""" + "".join(f".fill.s{i} {{ fill: {colour}; }} .open.s{i} {{ stroke: {colour}; }}\n"
              for i, colour in enumerate(("#d55e00", "#e69f00", "#009e73", "#cc79a7", "#56b4e9",
                                          "#b3a000", "#8a6fc8", "#7f8790", "#a65628"), 1))


def text(x, y, content, cls="", anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{cls}" text-anchor="{anchor}">'
            f"{escape(content)}</text>")


def line(x1, y1, x2, y2, cls):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{cls}"/>'


def marker(x, y, series, title, size=5):
    """A mark of the series' shape and colour; `title` shows under the pointer."""
    shape = SHAPES[series % len(SHAPES)]
    r = size

    def path(d, cls="fill"):
        return f'<path d="{d}" class="{cls} s{series % 10}">'

    if shape in ("circle", "ring"):
        cls = "fill" if shape == "circle" else "open"
        start = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r}" class="{cls} s{series % 10}">'
        end = "</circle>"
    else:
        points = {
            "square": f"M{x-r:.1f} {y-r:.1f}h{2*r}v{2*r}h{-2*r}z",
            "box": f"M{x-r:.1f} {y-r:.1f}h{2*r}v{2*r}h{-2*r}z",
            "diamond": f"M{x:.1f} {y-r-1:.1f}l{r+1} {r+1}l{-r-1} {r+1}l{-r-1} {-r-1}z",
            "triangle": f"M{x:.1f} {y-r:.1f}l{r} {2*r}h{-2*r}z",
            "down": f"M{x:.1f} {y+r:.1f}l{r} {-2*r}h{-2*r}z",
            "plus": f"M{x-r:.1f} {y:.1f}h{2*r}M{x:.1f} {y-r:.1f}v{2*r}",
            "cross": f"M{x-r:.1f} {y-r:.1f}l{2*r} {2*r}M{x-r:.1f} {y+r:.1f}l{2*r} {-2*r}",
            "bar": f"M{x:.1f} {y-r:.1f}v{2*r}",
        }[shape]
        start = path(points, "open" if shape in ("plus", "cross", "bar", "box") else "fill")
        end = "</path>"
    return f"{start}<title>{escape(title)}</title>{end}"


def svg(width, height, parts, label):
    return (f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(label)}">'
            + "".join(parts) + "</svg>")


def legend(names, width, swatches=False):
    """One mark, or a square of colour, and a name for each series, in as many lines as
    they need."""
    parts, x, y = [], 8.0, 12.0
    for series, name in names:
        advance = 34 + 7.2 * len(name)
        if x + advance > width:
            x, y = 8.0, y + 20
        mark = (f'<rect x="{x-2:.1f}" y="{y-11:.1f}" width="14" height="14" '
                f'class="fill s{series % 10}"/>' if swatches
                else marker(x + 5, y - 4, series, name))
        parts += [mark, text(x + 16, y, name, "small")]
        x += advance
    return svg(width, y + 10, parts, "legend")


def doublings(low, high):
    """The powers of two from `low` to `high`."""
    return [2.0 ** i for i in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]


def strips(rows, unit):
    """A strip for each row: marks of ours and of the baselines, and a tick at the ceiling.

    A row is (name, ours, [(series, baseline, value)], (technique, ceiling) or None). The axis
    is logarithmic, as what matters are ratios.
    """
    left, width, pitch, head = 96, 1000, 40, 10
    values = ([row[1] for row in rows] + [v for row in rows for _, _, v in row[2]]
              + [row[3][1] for row in rows if row[3]])
    low, high = min(values) / 1.15, max(values) * 1.2
    bottom = head + pitch * len(rows)

    def px(value):
        return left + math.log(value / low) / math.log(high / low) * (width - left - 20)

    parts = []
    for tick in doublings(low, high):
        parts += [line(px(tick), head, px(tick), bottom, "grid"),
                  text(px(tick), bottom + 16, f"{tick:g}", "small dim", "middle")]
    parts.append(text((left + width) / 2, bottom + 36, unit, "small", "middle"))
    for i, (name, ours, baselines, ceiling) in enumerate(rows):
        y = head + pitch * (i + 0.55)
        parts += [text(left - 10, y + 4, name, "name", "end"),
                  line(left, y, width - 20, y, "grid")]
        for series, baseline, value in baselines:
            parts.append(marker(px(value), y, series, f"{baseline}: {value:.1f}", 4.5))
        if ceiling:
            x = px(ceiling[1])
            parts += [f"<g><title>{escape(ceiling[0])}</title>"
                      + line(x, y - 14, x, y + 14, "ceiling") + "</g>",
                      text(x + 5, y - 8, f"{ceiling[1]:.0f}", "small dim")]
        parts += [marker(px(ours), y, 0, f"lpgen: {ours:.1f}", 7),
                  text(px(ours), y - 11, f"{ours:.1f}", "value ours", "middle")]
    return svg(width, bottom + 44, parts, f"{unit} by pair of widths")


def roofline(points, slopes, roofs):
    """MAC/cycle over MAC/byte, both logarithmic.

    points: (series, name, intensity, rate); slopes: (level, bytes per cycle);
    roofs: (name, MAC/cycle).
    """
    left, right, top, bottom, width, height = 56, 160, 12, 44, 1000, 480
    intensities = [p[2] for p in points]
    x0 = 10 ** math.floor(math.log10(min(intensities) / 2))
    x1 = 10 ** math.ceil(math.log10(max(intensities) * 1.5))
    rates = [p[3] for p in points] + [roof[1] for roof in roofs]
    y0 = 10 ** math.floor(math.log10(min(p[3] for p in points)))
    y1 = max(rates) * 1.6

    def px(value):
        return left + (math.log10(value / x0) / math.log10(x1 / x0)) * (width - left - right)

    def py(value):
        return height - bottom - (math.log10(value / y0) / math.log10(y1 / y0)) * (
            height - bottom - top)

    parts = []
    value = x0
    while value <= x1 * 1.001:
        parts += [line(px(value), top, px(value), height - bottom, "grid"),
                  text(px(value), height - bottom + 16, f"{value:g}", "small dim", "middle")]
        value *= 10
    for decade in range(int(math.log10(y0)), int(math.log10(y1)) + 1):
        for factor in (1, 2, 5):
            value = factor * 10 ** decade
            if y0 <= value <= y1:
                parts += [line(left, py(value), width - right, py(value), "grid"),
                          text(left - 8, py(value) + 4, f"{value:g}", "small dim", "end")]
    parts += [text((left + width - right) / 2, height - 8,
                   "MAC per byte of operands and results", "small", "middle"),
              text(14, (height - bottom) / 2, "MAC per cycle", "small vertical", "middle")]
    roof_top = max([roof[1] for roof in roofs], default=y1)
    for level, rate in slopes:
        # rate * intensity = MAC/cycle: from the left edge or the floor to the roof.
        start = max(x0, y0 / rate)
        end = min(x1, roof_top / rate)
        if end <= start:
            continue
        parts.append(line(px(start), py(start * rate), px(end), py(end * rate), "slope"))
        at = start * (end / start) ** 0.12
        angle = math.degrees(math.atan2(py(end * rate) - py(start * rate),
                                        px(end) - px(start)))
        parts.append(f'<text transform="translate({px(at):.1f} {py(at*rate)-6:.1f}) '
                     f'rotate({angle:.1f})" class="small slopelabel">'
                     f"{escape(level)} {rate:.1f} B/cycle</text>")
    placed = []
    for name, rate in sorted(roofs, key=lambda roof: -roof[1]):
        y = py(rate)
        parts.append(line(left, y, width - right, y, "ceiling"))
        label = max([y + 4] + [other + 15 for other in placed[-1:]])
        placed.append(label)
        parts.append(text(width - right + 6, label, f"{name} {rate:.0f}", "small"))
    for series, name, intensity, rate in points:
        parts.append(marker(px(intensity), py(rate), series,
                            f"{name}: {rate:.1f} MAC/cycle, {intensity:.0f} MAC/byte", 4.5))
    return svg(width, height, parts, "roofline")


def ticks(low, high, count=6, least=0.0):
    """Round values between `low` and `high`, about `count` of them, `least` or more apart."""
    span = high - low or 1.0
    step = 10.0 ** math.floor(math.log10(span / count))
    step *= next(f for f in (1, 2, 5, 10) if span / (step * f) <= count)
    step = max(step, least)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


def curves(series, x_label, y_label, y_format="{:g}"):
    """Values over an axis of whole numbers. series: (mark, name, [(x, y)], "line" or "points")."""
    left, right, top, bottom, width, height = 72, 20, 12, 46, 1000, 320
    xs = [x for s in series for x, _ in s[2]]
    ys = [y for s in series for _, y in s[2]]
    x0, x1 = min(0, min(xs)), max(xs)
    margin = (max(ys) - min(ys) or abs(ys[0]) or 1) * 0.06
    y0, y1 = min(ys) - margin, max(ys) + margin

    def px(value):
        return left + (value - x0) / ((x1 - x0) or 1) * (width - left - right)

    def py(value):
        return height - bottom - (value - y0) / (y1 - y0) * (height - bottom - top)

    parts = []
    for tick in ticks(y0, y1):
        parts += [line(left, py(tick), width - right, py(tick), "grid"),
                  text(left - 8, py(tick) + 4, y_format.format(tick), "small dim", "end")]
    for tick in ticks(x0, x1, 10, least=1.0):
        parts += [line(px(tick), top, px(tick), height - bottom, "grid"),
                  text(px(tick), height - bottom + 16, f"{tick:g}", "small dim", "middle")]
    parts += [text((left + width - right) / 2, height - 8, x_label, "small", "middle"),
              text(14, (top + height - bottom) / 2, y_label, "small vertical", "middle")]
    for mark, name, points, kind in series:
        if kind == "line":
            path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points)
            parts.append(f'<polyline points="{path}" class="open s{mark % 10}">'
                         f"<title>{escape(name)}</title></polyline>")
        else:
            parts += [marker(px(x), py(y), mark, f"{name}: {y_format.format(y)}", 4.5)
                      for x, y in points]
    return svg(width, height, parts, y_label)


def bands(rows, levels, x_label):
    """A band for each row whose colour is a level: widths or rates over the steps.

    rows: (name, [(begin, end, level, title)]); levels: (level, name) for the legend, a
    level being one of the classes l0 to l5 of page.css.
    """
    width, pitch, head = 1000, 22, 34
    left = max(150, 24 + 6.6 * max(len(name) for name, _ in rows))
    end = max(span[1] for _, spans in rows for span in spans)
    bottom = head + pitch * len(rows)

    def px(value):
        return left + value / end * (width - left - 20)

    parts, x = [], left
    for level, name in levels:
        parts += [f'<rect x="{x:.1f}" y="4" width="14" height="14" class="l{level}"/>',
                  text(x + 20, 15, name, "small")]
        x += 42 + 7.2 * len(name)
    for i, (name, spans) in enumerate(rows):
        y = head + pitch * i
        parts.append(text(left - 8, y + 14, name, "small", "end"))
        for begin, stop, level, title in spans:
            parts.append(f'<rect x="{px(begin):.1f}" y="{y}" '
                         f'width="{px(stop) - px(begin) + 0.4:.1f}" height="{pitch - 4}" '
                         f'class="l{level}"><title>{escape(title)}</title></rect>')
    for tick in ticks(0, end, 10):
        parts += [line(px(tick), bottom - 2, px(tick), bottom + 3, "tick"),
                  text(px(tick), bottom + 18, f"{tick:g}", "small dim", "middle")]
    parts.append(text((left + width) / 2, bottom + 38, x_label, "small", "middle"))
    return svg(width, bottom + 46, parts, x_label)


def stacks(rows, x_label):
    """A bar for each row, of parts one after the other: (name, [(mark, part, value)])."""
    left, width, pitch, head = 150, 1000, 28, 6
    end = max(sum(value for _, _, value in parts) for _, parts in rows) or 1.0
    bottom = head + pitch * len(rows)

    def px(value):
        return left + value / end * (width - left - 80)

    drawn = []
    for tick in ticks(0, end, 10):
        drawn += [line(px(tick), head, px(tick), bottom, "grid"),
                  text(px(tick), bottom + 16, f"{tick:g}", "small dim", "middle")]
    drawn.append(text((left + width) / 2, bottom + 36, x_label, "small", "middle"))
    for i, (name, parts) in enumerate(rows):
        y, total = head + pitch * i, 0.0
        drawn.append(text(left - 8, y + 17, name, "small", "end"))
        for mark, part, value in parts:
            drawn.append(f'<rect x="{px(total):.1f}" y="{y + 4}" '
                         f'width="{px(total + value) - px(total):.1f}" height="{pitch - 8}" '
                         f'class="fill s{mark % 10}">'
                         f"<title>{escape(part)}: {value:.3g}</title></rect>")
            total += value
        drawn.append(text(px(total) + 6, y + 17, f"{total:.2f}", "small"))
    return svg(width, bottom + 44, drawn, x_label)
