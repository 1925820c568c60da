"""Times, lengths and names as the story and the plot write them."""

from collections.abc import Iterable


def clock(at_s: float) -> str:
    """Virtual time, as m:ss or h:mm:ss."""
    minutes, seconds = divmod(int(at_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def length(seconds: float) -> str:
    """A length of time: seconds up to two minutes, then minutes."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"


def some_validators(indexes: Iterable[int]) -> str:
    """Validators by index: `validator 2`, `validators 0, 1 and 3`."""
    names = [str(index) for index in sorted(indexes)]
    if len(names) == 1:
        return f"validator {names[0]}"
    return f"validators {', '.join(names[:-1])} and {names[-1]}"


def times(count: int, what: str) -> str:
    """A count with its noun: `1 restart`, `2 restarts`."""
    return f"{count} {what}{'' if count == 1 else 's'}"
