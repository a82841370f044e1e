"""What became of the tensors of a run over its steps: widths and rates as bands."""

RATES = ((0, "none"), (1e-4, "to 0.01 %"), (1e-3, "to 0.1 %"), (1e-2, "to 1 %"),
         (1e-1, "to 10 %"), (1, "more"))


def samples(epochs):
    return [sample for epoch in epochs for sample in epoch["samples"]]


def tensor_names(epochs):
    return [tensor["tensor"] for layer in epochs[-1]["layers"] for tensor in layer["tensors"]]


def level_of(rate):
    """The class of page.css, 0 to 5, that shows a rate."""
    return next(i for i, (limit, _) in enumerate(RATES) if rate <= limit)


def merged(spans):
    """Neighbours of one level become one span, titled by the first."""
    result = []
    for begin, end, level, title in spans:
        if result and result[-1][2] == level and result[-1][3] == title:
            result[-1] = (result[-1][0], end, level, title)
        else:
            result.append((begin, end, level, title))
    return result


def tensor_bands(epochs, level, title):
    """(name, spans) for each tensor; level(sample of the tensor), title(the same)."""
    points, rows = samples(epochs), []
    for index, name in enumerate(tensor_names(epochs)):
        spans, begin = [], 0
        for sample in points:
            seen = sample["tensors"][index]
            spans.append((begin, sample["step"], level(seen),
                          f"{name}, step {sample['step']}: {title(seen)}"
                          if title(seen) else name))
            begin = sample["step"]
        rows.append((name, merged(spans)))
    return rows


def rate_bands(epochs, position):
    """Bands of saturation (position 2) or underflow (3)."""
    def rate(seen):
        return seen[position] / seen[1] if seen[1] else 0.0
    return tensor_bands(epochs, lambda seen: level_of(rate(seen)),
                        lambda seen: f"{100 * rate(seen):.3g} %" if rate(seen) else "")
