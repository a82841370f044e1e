"""What a table of training runs says: figures of each run, means over seeds."""

import json
import statistics
import struct
from pathlib import Path


class BadRun(Exception):
    """A folder that holds no run, or another one than was asked for."""


def checkpoint_header(folder):
    """(meta, state) of the run's checkpoint, or None if it has none."""
    path = Path(folder) / "checkpoint.lpt"
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            magic, length = struct.unpack("<8sQ", file.read(16))
            if magic != b"LPGENCK1":
                raise ValueError("not a checkpoint")
            header = json.loads(file.read(length))
        return header["meta"], header["state"]
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise BadRun(f"cannot read '{path}': {error}; remedy: delete its folder")


def num_parameters(folder):
    """Trained numbers of the network of a run, those of quantizers left out."""
    kinds = (".weight", ".bias", ".gamma", ".beta")
    _, state = checkpoint_header(folder)
    named = {name: size for name, size in state if name.endswith(kinds)}
    return sum(named.values()) // 4


class Run:
    """The figures of one complete run."""

    def __init__(self, folder):
        lines = (Path(folder) / "log.jsonl").read_text(encoding="utf-8").splitlines()
        self.folder = folder
        self.config = json.loads(lines[0])["config"]
        self.epochs = [json.loads(line) for line in lines[1:]]

    def accuracies(self):
        """Of the test images, in percent, after each epoch."""
        return [100 * epoch["testAccuracy"] for epoch in self.epochs]

    def step_seconds(self):
        return [s["stepSeconds"] for epoch in self.epochs for s in epoch["samples"]]

    def layers(self):
        return [layer for epoch in self.epochs for layer in epoch["layers"]]

    def statistics_share(self):
        """Percent of the time of steps that went into statistics of widths."""
        seconds = sum(layer["seconds"]["statistics"] for layer in self.layers())
        return 100 * seconds / sum(epoch["seconds"] for epoch in self.epochs)

    def narrow_gradients(self):
        """Percent of steps and gradient tensors at 8 bits or fewer, or None."""
        counts = [(int(bits), steps) for layer in self.layers() for tensor in layer["tensors"]
                  if tensor["tensor"].endswith(".gradient")
                  for bits, steps in tensor["stepsAtBits"].items()]
        total = sum(steps for _, steps in counts)
        return 100 * sum(n for bits, n in counts if bits <= 8) / total if total else None

    @staticmethod
    def _bit_products(layers):
        macs = sum(layer.get("macs", 0) for layer in layers)
        return sum(layer.get("bitProducts", 0) for layer in layers) / macs if macs else None

    def bit_products(self):
        """Products of widths for each multiply-add, mean, or None if they are not logged."""
        return self._bit_products(self.layers())

    def last_bit_products(self):
        """The same of the last epoch."""
        return self._bit_products(self.epochs[-1]["layers"])

    def input_gradients(self):
        """{tensor: percent of its elements that were not 0 before rounding and 0 after}, of the
        layers whose input gradients are rounded."""
        sums = {}
        for layer in self.layers():
            for tensor in layer["tensors"]:
                if tensor["tensor"].endswith(".inputGradient"):
                    counts = sums.setdefault(tensor["tensor"], [0, 0])
                    counts[0] += tensor["underflown"]
                    counts[1] += tensor["quantized"]
        return {name: 100 * lost / count for name, (lost, count) in sums.items() if count}

    def underflow(self):
        """The greatest of these shares, or None."""
        return max(self.input_gradients().values(), default=None)

    def gradient_norm(self):
        """Of the mean gradient when the last epoch began, or None."""
        return self.epochs[-1].get("gradientNorm")

    def federated_curve(self):
        """[(rounds, joules, test accuracy in percent)] after each epoch of federated training."""
        return [(epoch["federated"]["rounds"], epoch["federated"]["joules"], accuracy)
                for epoch, accuracy in zip(self.epochs, self.accuracies())
                if "federated" in epoch]

    def robust_accuracy(self):
        """Of the test images that the adversary has moved, in percent, at the end."""
        return 100 * self.epochs[-1]["robustAccuracy"]

    def joules(self, target):
        """Of a client up to the first epoch of this accuracy in percent, or None."""
        return next((joules for _, joules, accuracy in self.federated_curve()
                     if accuracy >= target), None)

    def shrinking(self, figure):
        """How many times less of a figure of pruning the last epoch had than the first."""
        first, last = (epoch["pruning"][figure] for epoch in (self.epochs[0], self.epochs[-1]))
        return first / last

    def _allocated_steps(self):
        return [step for epoch in self.epochs if "allocation" in epoch
                for step in epoch["allocation"]["steps"]]

    def allocation_error(self):
        """The most by which what is allocated misses the change of the loss, or None."""
        return max((abs(step["error"]) for step in self._allocated_steps()), default=None)

    def helped_share(self):
        """Percent of the elements with a share that lowered the loss, mean over steps, or
        None."""
        shares = []
        for step in self._allocated_steps():
            helped, hurt = (sum(tensor[i] for tensor in step["tensors"]) for i in (1, 2))
            shares.append(100 * helped / (helped + hurt))
        return statistics.fmean(shares) if shares else None

    def compression(self, linear):
        """How many times fewer bytes than as floats a worker sent for the weights of linear
        layers, or of the others; None for a run of one process."""
        sums = [0, 0]
        for tensor in self.epochs[-1].get("gradients", ()):
            shape = tensor["shape"]
            if len(shape) == 4 and (shape[1] * shape[2] == 1) == linear:
                sums[0] += tensor["denseBytes"]
                sums[1] += tensor["sentBytes"]
        return sums[0] / sums[1] if sums[1] else None

    def kernels(self):
        """Names of what computed the products of the last epoch, in order, each once."""
        names = [layer["implementation"][product] for layer in self.epochs[-1]["layers"]
                 for product in ("forward", "inputGradient", "weightGradient")]
        return list(dict.fromkeys(name for name in names if name != "none yet"))


class Row:
    """The runs of one policy."""

    def __init__(self, policy, runs):
        self.policy, self.runs = policy, runs

    def mean(self, figure):
        values = [figure(run) for run in self.runs]
        return None if None in values else statistics.fmean(values)

    def seeds(self):
        return {run.config["seed"] for run in self.runs}

    def accuracy(self, seeds=None):
        """Mean over the runs, or over those of `seeds`."""
        return statistics.fmean(run.accuracies()[-1] for run in self.runs
                                if seeds is None or run.config["seed"] in seeds)

    def spread(self):
        """Standard deviation of the accuracy over seeds, or None for one seed."""
        values = [run.accuracies()[-1] for run in self.runs]
        return statistics.stdev(values) if len(values) > 1 else None

    def median_joules(self, target):
        """Over the seeds that reach this accuracy, or None."""
        spent = [joules for run in self.runs if (joules := run.joules(target)) is not None]
        return statistics.median(spent) if spent else None

    def step_ms(self):
        return 1e3 * statistics.median(s for run in self.runs for s in run.step_seconds())

    def kernels(self):
        return self.runs[0].kernels()


class Claim:
    """A figure that should be at most, or at least, a limit."""

    def __init__(self, text, value, limit, at_most, unit):
        self.text, self.value, self.limit, self.unit = text, value, limit, unit
        self.at_most = at_most
        self.reached = value <= limit if at_most else value >= limit

    def figure(self):
        """The value with its unit."""
        small = 0 < abs(self.value) < 0.01
        return f"{self.value:.5f}{self.unit}" if small else f"{self.value:.2f}{self.unit}"

    def __str__(self):
        bound = "at most" if self.at_most else "at least"
        return (f"{'reached' if self.reached else 'MISSED '}  {self.text}: {self.figure()}, "
                f"{bound} {self.limit:g}{self.unit}")


def table(title, rows):
    """The lines of the text table of a group."""
    def number(value, form):
        return "-" if value is None else form.format(value)

    wide = max([len("policy")] + [len(policy) for policy in rows])
    lines = [title, f"{'policy':{wide}}  accuracy     +-   step ms  8-bit gradients  statistics  "
             "        BOPs"]
    for policy, row in rows.items():
        lines.append(f"{policy:{wide}}  {row.accuracy():6.2f} %  "
                     f"{number(row.spread(), '{:5.2f}'):>5}  {row.step_ms():8.2f}  "
                     f"{number(row.mean(Run.narrow_gradients), '{:.0f} %'):>15}  "
                     f"{row.mean(Run.statistics_share):8.2f} %  "
                     f"{number(row.mean(Run.bit_products), '{:.1f}'):>12}  {len(row.runs):5}")
    return lines
