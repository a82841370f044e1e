"""The page of a table of training runs: curves, table, claims, kernels. Charts and style are
those of workbench/report."""

import statistics
import sys
from html import escape
from pathlib import Path

REPORT = Path(__file__).resolve().parents[2] / "workbench/report"
sys.path.insert(0, str(REPORT))
import charts  # noqa: E402
from rates import RATES, rate_bands  # noqa: E402
from results import Run  # noqa: E402


def _number(value, form):
    return "–" if value is None else form.format(value)


def _curves(rows):
    """Test accuracy after each epoch, mean over seeds."""
    series = []
    for mark, (policy, row) in enumerate(rows.items()):
        means = [statistics.fmean(values)
                 for values in zip(*(run.accuracies() for run in row.runs))]
        series.append((mark, policy, [(i + 1, v) for i, v in enumerate(means)], "line"))
        series.append((mark, policy, [(i + 1, v) for i, v in enumerate(means)], "points"))
    return (charts.legend([(mark, policy) for mark, policy in enumerate(rows)], 1000)
            + charts.curves(series, "epoch", "accuracy on test images, %", "{:.4g}"))


def _energy(rows):
    """Of federated training: accuracy over the energy of a client, first seed."""
    curves = {name: row.runs[0].federated_curve() for name, row in rows.items()}
    series = [(mark, name, [(joules, accuracy) for _, joules, accuracy in curve], "line")
              for mark, (name, curve) in enumerate(curves.items()) if curve]
    return ("<h3>Energy</h3><p>Modelled from the bit operations and the bytes sent of a client, "
            "after each epoch of the first seed.</p>"
            + charts.curves(series, "energy of a client, J", "accuracy on test images, %",
                            "{:.4g}")) if series else ""


def _underflow(rows):
    """A band for each policy and layer: underflow of the input gradient over the steps."""
    bands = []
    for policy, row in rows.items():
        run = row.runs[0]
        for name, spans in rate_bands(run.epochs, 3):
            if name in run.input_gradients():
                layer = name.removesuffix(".inputGradient")
                bands.append((f"{policy.replace(',grow-after=0', '')}, {layer}", spans))
    return ("<h3>Underflow</h3><p>Share of the elements of a layer's input gradient that were not "
            "0 before rounding and 0 after, over the steps of the first seed.</p>"
            + charts.bands(bands, list(enumerate(name for _, name in RATES)),
                           "step (update of the weights)")) if bands else ""


def _table(rows):
    lines = ["<div class=scroll><table><thead><tr><th>policy<th>accuracy, %<th>spread"
             "<th>step, ms (median)<th>gradients at 8 bits or fewer, %"
             "<th>statistics, % of step<th>BOPs per multiply-accumulate</tr></thead><tbody>"]
    for policy, row in rows.items():
        lines.append(
            f"<tr><td>{escape(policy)}<td class=ours>{row.accuracy():.2f}"
            f"<td>{_number(row.spread(), '{:.2f}')}<td>{row.step_ms():.2f}"
            f"<td>{_number(row.mean(Run.narrow_gradients), '{:.0f}')}"
            f"<td>{row.mean(Run.statistics_share):.2f}"
            f"<td>{_number(row.mean(Run.bit_products), '{:.1f}')}</tr>")
    return "".join(lines) + "</tbody></table></div>"


def _steps(steps):
    rows = [(name, [(mark, "median", 1e3 * statistics.median(seconds))])
            for mark, (name, seconds) in enumerate(steps.items())]
    return ("<h2>Step times in turns</h2><p>Medians; the implementations took turns, a few seconds "
            "each, so that a busy machine slows all of them. Images are read and normalized in "
            "lpgen's steps, not in PyTorch's.</p>" + charts.stacks(rows, "ms per step"))


def _count(number, noun):
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _setting(group):
    config = group.config
    images = f"first {config['trainImages']} images" if config["trainImages"] else "all images"
    text = (f"{config['data']}, {images}, {_count(config['epochs'], 'epoch')}, batches of "
            f"{config['batch']}, {_count(group.seeds, 'seed')}.")
    if group.reason:
        text += f" Not trained here: {group.reason}."
    return f"<p class=dim>{escape(text)}</p>"


def make(tables, steps, claims, missing, options):
    """tables: [(Group, {name: Row})]; missing: names of rows that are not there."""
    css = (REPORT / "page.css").read_text(encoding="utf-8")
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>lpgen: policies on {escape(options.model)}</title><style>{css}</style></head>"
        "<body><h1>lpgen: training under several policies</h1>"
        f"<p class=dim>{_count(options.threads, 'thread')}; the same schedule for all rows of a "
        "table unless the row says otherwise. Spread is the standard deviation over seeds.</p>"]
    for group, rows in tables:
        parts += [f"<h2>{escape(group.title)}</h2>", _setting(group)]
        parts += [_table(rows), _curves(rows), _energy(rows)] if rows else []
        parts += [_underflow(rows)] if group.draws_underflow else []
    if steps:
        parts.append(_steps(steps))
    if claims:
        parts.append("<h2>Claims</h2><table><thead><tr><th>claim<th>found<th>wanted<th></tr>"
                     "</thead><tbody>")
        for claim in claims:
            bound = "at most" if claim.at_most else "at least"
            parts.append(f"<tr><td>{escape(claim.text)}<td>{claim.figure()}"
                         f"<td>{bound} {claim.limit:g}{claim.unit}"
                         f"<td>{'reached' if claim.reached else '<b>missed</b>'}</tr>")
        parts.append("</tbody></table>")
    if missing:
        parts.append(f"<p>Not there yet: {escape('; '.join(missing))}.</p>")
    parts.append("<h2>Kernels</h2>")
    for _, rows in tables:
        for policy, row in rows.items():
            parts.append(f"<details><summary>{escape(policy)}</summary><ul>"
                         + "".join(f"<li><code>{escape(name)}</code>" for name in row.kernels())
                         + "</ul></details>")
    return "".join(parts) + "</body></html>\n"
