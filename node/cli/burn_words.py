"""What `sidewarden burn` says, in words."""

from node.cli.client import Answer
from node.cli.words import span


def lines_of(report: Answer, burns: list[Answer]) -> list[str]:
    """A report about these of its burns."""
    lines = [status_line(report)]
    if report["block_number"] is not None:
        lines.append(f"in side-chain block {report['block_number']}, transaction {report['transaction_index']}")
    for each in burns:
        lines.append(f"log {each['log_index']}: {_burnt(each)}")
        lines += [
            f"  on {on_root['root_chain']}: {on_root['status']}{_where(on_root)}" for on_root in each["root_chains"]
        ]
    if report["burns_left_out"]:
        lines.append(f"{report['burns_left_out']} more burns of this transaction were not looked at")
    return lines


def status_line(report: Answer) -> str:
    """How far it has come, and what is still to come."""
    return f"{report['status']}: {report['text']}{_to_go(report)}"


def _where(on_root: Answer) -> str:
    held, paid = on_root["checkpoint"], on_root["exit"]
    under = "" if held is None else f", in checkpoint {held['header_id']} of blocks {held['start']} to {held['end']}"
    by = "" if paid is None else f", by {paid['transaction_hash']} in block {paid['block_number']}"
    return under + by


def _burnt(burn: Answer) -> str:
    if burn["kind"] == "MESSAGE":
        return f"a message of {len(burn['data']) // 2 - 1} bytes through tunnel {burn['token']}"
    amounts, ids = ", ".join(burn["amounts"]), ", ".join(burn["ids"])
    what = f"{amounts} units of id {ids}" if amounts and ids else f"{amounts} units" if amounts else f"id {ids}"
    return f"{burn['burner']} burnt {what} of token {burn['token']}"


def _to_go(report: Answer) -> str:
    """What is still to come before READY, where it is known."""
    to_go = report["to_go"]
    if to_go is None:
        return ""
    parts = []
    if to_go["confirmations"]:
        parts.append(f"{to_go['confirmations']} confirmations to go")
    if to_go["blocks"]:
        parts.append(f"{to_go['blocks']} side-chain blocks to go")
    if to_go["seconds"] is not None:
        earliest, latest = span(to_go["seconds_earliest"]), span(to_go["seconds_latest"])
        between = "" if earliest == latest else f", between {earliest} and {latest}"
        parts.append(f"about {span(to_go['seconds'])}{between}")
    return f" ({'; '.join(parts)})" if parts else ""
