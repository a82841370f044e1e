"""What `lpgen bench --json` writes: reading it, and means over its operators."""

import json
import math
import re
from pathlib import Path


class BadFile(Exception):
    """A file that is no result of `lpgen bench`."""


def load(path):
    try:
        run = json.loads(Path(path).read_text(encoding="utf-8"))
        run["path"] = path
        run["suite"] = Path(path).stem.split("-")[0]
        run["isa"] = run["target"].removeprefix("x86_")
        # Operators without sums have no rate to show.
        run["ops"] = [op for op in run["ops"] if op["compute"]["macPerCycle"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadFile(f"cannot read '{path}' as a result of 'lpgen bench --json': {error}")
    if not run["ops"]:
        raise BadFile(f"'{path}' has no operator with multiply-accumulates per cycle: it was "
                      "written where the clock frequency cannot be measured, or holds none")
    return run


def check_one_machine(runs):
    """Rates of two machines do not belong into one chart."""
    for key in ("cpu", "cpuName", "target", "threads"):
        for run in runs[1:]:
            if run[key] != runs[0][key]:
                raise BadFile(f"'{runs[0]['path']}' and '{run['path']}' differ in {key}: "
                              f"{runs[0][key]} and {run[key]}; make one report of each")


def bits(type_name):
    return int(re.sub(r"\D", "", type_name))


def types(run):
    """(activations, weights) of the run's first product, as "u2", "s2"; or None."""
    problem = next((op["problem"] for op in run["ops"] if op["problem"]), None)
    return (problem["x"], problem["w"]) if problem else None


def pair_name(run):
    pair = types(run)
    return f"{pair[1]} × {pair[0]}" if pair else Path(run["path"]).stem


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def short(name):
    """A baseline's name without version, flags and remarks."""
    name = re.sub(r" \d+\.[\d.]+| 14| 2022-02|, on im2col|, AVX2|, Haswell|, vpmaddwd", "", name)
    return re.sub(r", Clang .*| int8, .*-O3.*", "", name)


def baseline_names(runs):
    """Names of all baselines in order of first appearance, which fixes their marks."""
    names = []
    for run in runs:
        for op in run["ops"]:
            for baseline in op["peers"]:
                if short(baseline["name"]) not in names:
                    names.append(short(baseline["name"]))
    return names


def baseline_rates(op):
    return {short(baseline["name"]): baseline["macPerCycle"] for baseline in op["peers"]}


def core(run):
    """The operators that have baselines, on which all means are taken."""
    return [op for op in run["ops"] if op["peers"]] or run["ops"]


def mean_rates(run, names):
    """The geometric mean over the operators of ours, and by name those of the baselines that
    took part in all of them."""
    ops = core(run)
    ours = geometric_mean([op["compute"]["macPerCycle"] for op in ops])
    baselines = {}
    for name in names:
        rates = [baseline_rates(op).get(name) for op in ops]
        if all(rates):
            baselines[name] = geometric_mean(rates)
    return ours, baselines
