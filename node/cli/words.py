"""Words that several commands use."""


def ago(moment_s: float, now_s: float) -> str:
    """How long before or after now, for a person: `12 s ago`, `in 3 min`."""
    delta_s = round(moment_s - now_s)
    return f"in {span(delta_s)}" if delta_s > 0 else f"{span(-delta_s)} ago"


def span(seconds: int) -> str:
    """A length of time: seconds up to two minutes, then minutes, hours, days."""
    for unit, length_s in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds // length_s} {unit}"
    return f"{seconds} s"
