"""What the table of training consists of: groups of rows, each a policy with the settings that it
is trained with, and the claims about them."""

import statistics
from dataclasses import dataclass, field

from results import Claim, Run

POLICIES = ["float32", "apt", "apt<gradient-bits=8>", "mixed16", "fp8", "fixed",
            "fixed<rounding=nearest>", "adapt", "static", "pfq", "dynasty", "lsq<bits=4>",
            "lsq<bits=3>", "lsq<bits=2>", "dorefa", "pact", "xnor", "binary"]
CIFAR_POLICIES = ["float32", "apt", "static", "pfq", "dynasty"]
# Networks of signs learn with Adam, not with the schedule of the others.
RECOMMENDED = {"xnor": {"optimizer": "adam", "learningRate": 0.002},
               "binary": {"optimizer": "adam", "learningRate": 0.002}}
# Esser et al. 2020 fine-tune trained networks, at this learning rate.
FINE_TUNED = {"lsq": ("float32", {"learningRate": 0.01})}
RANKS = 4
WIDE, PLANNED, NARROW = ("accumulators<offset=20>", "accumulators", "accumulators<offset=-2>")
LOSS_SCALES = (1, 16, 256, 4096, 65536)
INTEGER_PLANNED, INTEGER_NARROW = ("static+accumulators", "static+accumulators<offset=-2>")


@dataclass
class Entry:
    """A row to be: `name` is shown and names the folder of its runs."""
    name: str
    policy: str
    settings: dict = field(default_factory=dict)  # Of the config, where it is not the group's.
    start: str = ""  # Policy whose network it starts from, trained like the others.
    arguments: tuple = ()  # More of them for lpgen train; they change no weight.


@dataclass
class Group:
    """Rows that are compared with each other; `config` is what all have in common."""
    title: str
    folder: str  # Below that of the table; "" is the table's own.
    config: dict
    seeds: int
    entries: list
    reason: str = ""  # Why it cannot be trained here, if it cannot.
    draws_underflow: bool = False


def _plain(policy):
    family = policy.split("<")[0]
    if family in FINE_TUNED:
        start, settings = FINE_TUNED[family]
        return Entry(f"{policy} from {start}", policy, settings, start)
    settings = RECOMMENDED.get(family, {})
    name = policy + "".join(f", {value}" for value in settings.values())
    return Entry(name, policy, settings)


def _workers(config, seeds, mpirun):
    config = dict(config, batch=max(config["batch"] // RANKS, 1))
    entries = [Entry(f"float32, {RANKS} ranks, {codec}", "float32",
                     {"gradients": codec, "workers": RANKS}) for codec in ("dense", "adacomp")]
    return Group(f"{RANKS} processes, gradients as floats and by AdaComp", "", config, seeds,
                 entries, "" if mpirun else "there is no mpirun; remedy: apt-get install "
                 "openmpi-bin libopenmpi-dev, and build lpgen again")


def _accumulators(config, seeds, images):
    images = min(images, config["trainImages"] or images)
    suffix = "" if images == config["trainImages"] else f", first {images} images"
    policies = (WIDE, PLANNED, NARROW, "static", INTEGER_PLANNED, INTEGER_NARROW)
    return Group("Accumulators: wide, as planned, two bits fewer (emulated one term at a time, "
                 f"so on {images} images only)", "", dict(config, trainImages=images), seeds,
                 [Entry(policy + suffix, policy) for policy in policies])


def _fixed_scale(base, scale):
    return f"{base}<scale={scale},floor={scale},grow-after=0>"


def _adaptive_scale(base):
    return f"{base}<scale=1,floor=1,grow-after=0>+adaptive-loss-scale"


def _loss_scales(config, seeds, base):
    policies = [_fixed_scale(base, scale) for scale in LOSS_SCALES]
    return Group(f"Loss scales of {base}: fixed, dynamic, one for each layer", "", config, seeds,
                 [Entry(policy, policy) for policy in [*policies, base, _adaptive_scale(base)]],
                 draws_underflow=True)


ADAM, MADAM = "float32, adam, 0.001", "float32, madam, 0.0078125"


def _optimizers(config, seeds):
    """Madam's rate is that of its paper, 1/128."""
    return Group("Optimizers: Adam, and Madam with weights in a logarithmic number system", "",
                 config, seeds, [Entry(name, "float32", {"optimizer": name.split(", ")[1],
                                                         "learningRate": float(name.split()[-1])})
                                 for name in (ADAM, MADAM)])


def _allocation(config, seeds):
    """The change of the loss in every tenth step, of a network that has 2000 images' losses in a
    moment."""
    arguments = ("--loss-allocation", "10", "--allocation-images", "2000")
    return Group("Loss allocation, mlp", "", dict(config, model="mlp"), seeds,
                 [Entry(f"{policy}, allocated", policy, arguments=arguments)
                  for policy in ("float32", "static<bits=4>")])


HGQ_STRENGTHS = ("0.0001", "0.001", "0.01")


def _learned_widths(config, seeds):
    """The paper learns widths with Adam; networks of fixed widths beside them do, too."""
    adam = {"optimizer": "adam", "learningRate": 0.002}
    policies = ["float32", "lsq<bits=4>", *(f"hgq<strength={s}>" for s in HGQ_STRENGTHS)]
    return Group("Learned widths: hgq, the loss of bit operations 10 times stronger in each row",
                 "", config, seeds, [Entry(f"{policy}, adam, 0.002", policy, adam)
                                     for policy in policies])


SVRG, HALP = "svrg", "halp<mu=10,keep=yes>"
LOW_PRECISION = tuple(f"lp-svrg<range={r}>" for r in ("0.0625", "0.125", "0.25", "0.5"))


def _variance_reduced(config, seeds):
    """A convex problem, whose gradient goes to 0; grids from too narrow to wide."""
    config = dict(config, model="logistic", batch=100, schedule="constant", weightDecay=0.1,
                  trainImages=min(config["trainImages"] or 6000, 6000))
    return Group("SVRG in float32, with bit centering, on a fixed grid; logistic", "", config,
                 seeds, [Entry(name, "float32", {"optimizer": name})
                         for name in (SVRG, HALP, *LOW_PRECISION)])


PRUNED = "float32, dynhp<keep=0.5>"


def _pruning(config, seeds):
    return Group("Units pruned during training", "", config, seeds,
                 [Entry("float32", "float32"),
                  Entry(PRUNED, "float32", {"pruning": PRUNED.split(", ")[1]})])


# Both the products of clients and what they send have these bits; 32 is float32.
CLIENT_BITS = (4, 6, 8, 16)
FLOAT_CLIENTS = "float32 clients, 32 bits sent"


def _clients(bits):
    return f"static<bits={bits},gradient-bits={max(bits, 8)}> clients, {bits} bits sent"


def _federated(config, seeds, mpirun):
    """Clients see few classes, two shards each."""
    config = dict(config, batch=max(config["batch"] // RANKS, 1), schedule="constant",
                  workers=RANKS)
    entries = [Entry(_clients(bits), _clients(bits).split()[0],
                     {"federated": f"fedavg<bits={bits},shards=2>"}) for bits in CLIENT_BITS]
    entries.append(Entry(FLOAT_CLIENTS, "float32", {"federated": "fedavg<bits=32,shards=2>"}))
    return Group(f"Federated training, {RANKS} clients, by width", "", config, seeds, entries,
                 "" if mpirun else "there is no mpirun; remedy: apt-get install openmpi-bin "
                 "libopenmpi-dev, and build lpgen again")


TUNED = "lsq<bits=4> from float32, plain"
SLOW, COSINE = (f"lsq<bits=4> from float32, adversarial, {s}" for s in ("slow-start", "cosine"))


def _adversarial(config, seeds):
    """A plain network is fine-tuned, plainly and against an adversary that moves pixels by up to
    16 of 255."""
    config = dict(config, learningRate=0.01)
    moved = {"adversary": "pgd<epsilon=16>"}
    return Group("Adversarial fine-tuning of quantized networks", "", config, seeds, [
        Entry(TUNED, "lsq<bits=4>", {}, "float32"),
        *(Entry(name, "lsq<bits=4>", {**moved, "schedule": name.split(", ")[-1]}, "float32")
          for name in (SLOW, COSINE))])


RESISTIVE, UNMANAGED = "resistive", "resistive<management=none>"


def _resistive(config, seeds):
    policies = ("float32", RESISTIVE, "resistive<management=noise>",
                "resistive<management=bound>", UNMANAGED)
    return Group("Arrays of resistive devices, with management of noise and bounds and without",
                 "", config, seeds, [Entry(policy, policy) for policy in policies])


OTTT, THROUGH_TIME = "ottt", "ottt<gradients=through-time>"


def _spiking(config, seeds):
    return Group("Spiking networks: trained online and through time, beside activations of 4 bits",
                 "", config, seeds, [Entry(policy, policy) for policy in
                                     (OTTT, THROUGH_TIME, "lsq<bits=4>")])


# Those that need nothing but the settings of the runs and the number of seeds.
_PLAIN = {"optimizers": _optimizers, "allocation": _allocation,
          "learned-widths": _learned_widths, "variance-reduced": _variance_reduced,
          "pruning": _pruning, "spiking": _spiking, "adversarial": _adversarial,
          "resistive": _resistive}
GROUPS = ("policies", "workers", "accumulators", "loss-scales", "federated", *_PLAIN)


def _names(options):
    """The groups that the options ask for."""
    if options.groups:
        return options.groups
    if options.short:  # Of accumulators all test images are emulated, which takes minutes.
        return ("policies", "workers")
    return GROUPS if options.all_groups or not options.policies else ("policies",)


def groups(options, mpirun):
    """All groups of the table."""
    config = {"model": options.model, "data": options.data, "epochs": options.epochs,
              "batch": options.batch, "trainImages": options.train_images}
    names, seeds, found = _names(options), options.seeds, []
    if "policies" in names:
        policies = options.policies or POLICIES
        found.append(Group(f"Policies, {options.model}", "", config, seeds,
                           [_plain(policy) for policy in policies]))
    if "workers" in names:
        found.append(_workers(config, 1 if options.short else seeds, mpirun))
    if "accumulators" in names:
        found.append(_accumulators(config, seeds, options.accumulator_images))
    if "loss-scales" in names:
        found += [_loss_scales(config, seeds, base) for base in ("mixed16", "fp8")]
    if "federated" in names:
        found.append(_federated(config, seeds, mpirun))
    found += [make(config, seeds) for name, make in _PLAIN.items() if name in names]
    if options.cifar:
        cifar = {"model": "resnet20", "data": options.cifar, "epochs": options.cifar_epochs,
                 "batch": options.batch, "trainImages": 0, "augmentation": "crop-flip",
                 "learningRate": 0.1}  # As He et al. 2016, section 4.2.
        found.append(Group("CIFAR, resnet20", "cifar", cifar, 1,
                           [_plain(policy) for policy in options.cifar_policies]))
    return found


class _Claims:
    """Collects the claims about one group of rows, {name: Row}."""

    def __init__(self, rows, where=""):
        self.rows, self.where, self.found = rows, where, []

    def add(self, text, value, limit, unit="", at_most=True):
        if value is not None:
            self.found.append(Claim(text + self.where, value, limit, at_most, unit))

    def has(self, *names):
        return all(name in self.rows for name in names)

    def accuracy_below(self, name, beside, limit, at_most=True):
        """Over the seeds that both have."""
        if self.has(name, beside):
            row, other = self.rows[name], self.rows[beside]
            seeds = row.seeds() & other.seeds()
            if seeds:
                self.add(f"accuracy of {name} below that of {beside}",
                         other.accuracy(seeds) - row.accuracy(seeds), limit, " points", at_most)

    def figure(self, name, text, figure, limit, unit, at_most=True):
        if self.has(name):
            self.add(text, self.rows[name].mean(figure), limit, unit, at_most)


def _of_policies(claims):
    for policy, limit in (("apt", 0.3), ("adapt", 0.3), ("fixed", 0.2), ("fp8", 0.3),
                          ("lsq<bits=4> from float32", 0.2), ("lsq<bits=3> from float32", 0.5),
                          ("lsq<bits=2> from float32", 1.5)):
        claims.accuracy_below(policy, "float32", limit)
    claims.figure("apt", "gradients of apt at 8 bits", Run.narrow_gradients, 50, " %", False)
    claims.figure("apt", "statistics of apt", Run.statistics_share, 2, " % of the step")
    claims.accuracy_below("fixed<rounding=nearest>", "fixed", 1, at_most=False)
    claims.accuracy_below("pfq", "static", 0.2)
    if claims.has("pfq", "static"):
        products = [claims.rows[name].mean(Run.bit_products) for name in ("pfq", "static")]
        if None not in products:
            claims.add("BOPs of pfq saved", 100 * (1 - products[0] / products[1]), 45,
                       " %", False)
    claims.accuracy_below("dynasty", "static", 0.3)
    claims.figure("dynasty", "BOPs of dynasty", Run.bit_products, 16, " of 64")


def _of_workers(claims):
    dense, adacomp = (f"float32, {RANKS} ranks, {codec}" for codec in ("dense", "adacomp"))
    claims.accuracy_below(adacomp, dense, 0.2)
    claims.figure(adacomp, "bytes of filters, AdaComp", lambda run: run.compression(False), 40,
                  " times fewer", False)
    claims.figure(adacomp, "bytes of linear layers, AdaComp", lambda run: run.compression(True),
                  200, " times fewer", False)


def _of_accumulators(claims):
    def named(policy):
        return next((name for name, row in claims.rows.items() if row.policy == policy), policy)
    claims.accuracy_below(named(PLANNED), named(WIDE), 0.5)
    claims.accuracy_below(named(NARROW), named(PLANNED), 0.5, at_most=False)
    claims.accuracy_below(named(INTEGER_PLANNED), named("static"), 0.5)
    claims.accuracy_below(named(INTEGER_NARROW), named(INTEGER_PLANNED), 0.5, at_most=False)


def _of_loss_scales(claims):
    for base in ("mixed16", "fp8"):
        adaptive = _adaptive_scale(base)
        fixed = [name for name in (_fixed_scale(base, scale) for scale in LOSS_SCALES)
                 if claims.has(name)]
        if fixed and claims.has(adaptive):
            best = max(fixed, key=lambda name: claims.rows[name].accuracy())
            claims.accuracy_below(adaptive, best, 0.1)
        claims.figure(adaptive, f"underflow of input gradients, worst layer, {adaptive}",
                      Run.underflow, 0.2, " %")


def _of_allocation(claims):
    for name in ("float32, allocated", "static<bits=4>, allocated"):
        claims.figure(name, f"allocated beside the change of the loss, {name}",
                      Run.allocation_error, 1e-3, "")
        claims.figure(name, f"elements that helped in a step, {name}", Run.helped_share, 50, " %",
                      False)


def _of_learned_widths(claims):
    floats = "float32, adam, 0.002"
    rows = [f"hgq<strength={strength}>, adam, 0.002" for strength in HGQ_STRENGTHS]
    claims.accuracy_below(rows[1], floats, 0.5)
    claims.figure(rows[1], f"BOPs of {rows[1]}", Run.last_bit_products, 16, " of 64")


def _of_variance_reduced(claims):
    """The grid that does best counts; steps are those within an epoch."""
    if not claims.has(SVRG, HALP):
        return
    norms = {name: row.mean(Run.gradient_norm) for name, row in claims.rows.items()}
    claims.add(f"norm of the gradient, {HALP} / {SVRG}", norms[HALP] / norms[SVRG], 2)
    grids = [norms[name] for name in LOW_PRECISION if claims.has(name)]
    if grids:
        claims.add(f"norm of the gradient, lp-svrg, best range / {HALP}",
                   min(grids) / norms[HALP], 10, at_most=False)
    claims.add(f"steps of {HALP} faster than of {SVRG}",
               claims.rows[SVRG].step_ms() / claims.rows[HALP].step_ms(), 1, "x", at_most=False)


def _of_pruning(claims):
    claims.accuracy_below(PRUNED, "float32", 3.5)
    for figure, text in (("parameters", "parameters"), ("imageBytes", "memory of an image")):
        claims.figure(PRUNED, f"{text}, first epoch / last, {PRUNED}",
                      lambda run, figure=figure: run.shrinking(figure), 1.5, "x", False)


def _of_federated(claims):
    """Energy is that up to the first round at which the row is within a point of the best of
    float32, as the median of seeds that get there."""
    if not claims.has(FLOAT_CLIENTS):
        return
    floats = claims.rows[FLOAT_CLIENTS]
    target = floats.mean(lambda run: max(run.accuracies())) - 1
    spent = {name: row.median_joules(target) for name, row in claims.rows.items()
             if name == FLOAT_CLIENTS or name in map(_clients, CLIENT_BITS)}
    reached = {name: joules for name, joules in spent.items()
               if joules is not None and name != FLOAT_CLIENTS}
    if not reached or spent[FLOAT_CLIENTS] is None:
        return
    best = min(reached, key=reached.get)
    claims.add(f"energy saved by {best}, of that of {FLOAT_CLIENTS}",
               100 * (1 - reached[best] / spent[FLOAT_CLIENTS]), 53, " %", at_most=False)
    claims.accuracy_below(best, FLOAT_CLIENTS, 0.5)


def _of_adversarial(claims):
    if claims.has(SLOW, COSINE):
        robust = [claims.rows[name].mean(Run.robust_accuracy) for name in (SLOW, COSINE)]
        claims.add("robust accuracy, slow-start above cosine", robust[0] - robust[1], 0,
                   " points", False)
    claims.accuracy_below(SLOW, TUNED, 5)


def claims(tables, steps):
    """The claims about what was measured. tables: [(Group, {name: Row})]; steps: {name:
    [seconds]}."""
    found = []
    for group, rows in tables:
        of_group = _Claims(rows, ", CIFAR" if group.folder else "")
        _of_policies(of_group)
        _of_workers(of_group)
        _of_accumulators(of_group)
        _of_loss_scales(of_group)
        of_group.accuracy_below(MADAM, ADAM, 0.5)
        _of_allocation(of_group)
        _of_learned_widths(of_group)
        _of_variance_reduced(of_group)
        _of_pruning(of_group)
        _of_federated(of_group)
        _of_adversarial(of_group)
        of_group.accuracy_below(RESISTIVE, "float32", 1)
        of_group.accuracy_below(UNMANAGED, RESISTIVE, 5, at_most=False)
        of_group.accuracy_below(OTTT, THROUGH_TIME, 0.5)
        found += of_group.found
    if "apt" in steps:
        of_steps = _Claims({})
        for other in steps:
            if other != "apt":
                of_steps.add(f"apt faster than {other}, step times in turns",
                             statistics.median(steps[other]) / statistics.median(steps["apt"]),
                             1.5, "x", at_most=False)
        found += of_steps.found
    return found
