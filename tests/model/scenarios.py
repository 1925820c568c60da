"""Small worlds, each with one part of the machinery in the open, and the bounds to which they are explored.

What is not said `together` each honest validator says, or does not say, by itself. `make test` explores EXPLORED up to
STATES_SMALL states each; `make model` explores all of EXPLORED, and WIDER up to STATES_DEEP states each.
"""

from dataclasses import dataclass, replace
from functools import cached_property

from tests.model.actions import Kind
from tests.model.state import Parameters

STATES_SMALL = 6_000
STATES_DEEP = 100_000
STATES_ALL = 1_000_000
"""More than any of EXPLORED has."""
PROGRESS_EVERY_SMALL = 16
"""With small bounds every 16th state is asked for its way to an ack; with deep ones every state."""
WALK_STEPS_SMALL = 3_000
WALK_STEPS_DEEP = 20_000
REPLAY_STEPS_DEEP = 20_000

BOUND = Parameters(is_bound=True)
POLYGON = Parameters(is_bound=False)
DEVNET_POWERS = (10, 9, 8, 7)
"""Any three are a quorum, any two at least a third."""
LEAST_POWERS = (4, 3, 3)
"""The fewest with one below a third: the first is a quorum with any other, the other two are none."""
ALL_KINDS: tuple[Kind, ...] = ("HEAD", "VALID", "LATE", "INVALID", "QUIET", "STEPS")


@dataclass(frozen=True)
class Scenario:
    """A world: who is in it, and how far it is explored."""

    name: str
    about: str
    parameters: Parameters
    powers: tuple[int, ...] = LEAST_POWERS
    byzantine: int | None = None
    """Who may say anything, below a third of the power."""
    lies: frozenset[str] = frozenset()
    """What it says against the rules: kinds of statements, and PROPOSE."""
    careless: int | None = None
    """An honest validator whose proposals may have a wrong root."""
    said: frozenset[Kind] = frozenset(ALL_KINDS) - {"LATE"}
    """Kinds of statements that are said at all."""
    together: frozenset[Kind] = frozenset()
    """Kinds that all honest validators say at once, to leave room for the others."""
    engine_steps_s: tuple[int, ...] = (0, 1)
    root_steps_s: tuple[int, ...] = (1,)
    turns_max: int = 2
    engine_s_max: int = 0
    root_s_max: int = 4
    side_min: int = 3
    side_max: int = 3
    others_max: int = 0
    unstakes_max: int = 0
    leavers: frozenset[int] = frozenset()
    resets_max: int = 0
    genesis_l1_s: int = 0
    inclusion_s: int = 0
    """How long L1 takes to include, under the fair schedule."""

    @cached_property
    def honest(self) -> tuple[int, ...]:
        """Everybody else."""
        return tuple(place for place in range(len(self.powers)) if place != self.byzantine)


def kinds(*names: Kind) -> frozenset[Kind]:
    """A set of kinds."""
    return frozenset(names)


VERDICTS = Scenario(
    name="verdicts",
    about="proposals right and wrong, verdicts one by one, a Byzantine first proposer",
    parameters=BOUND,
    powers=DEVNET_POWERS,
    byzantine=0,
    lies=frozenset({"PROPOSE", "VALID", "INVALID"}),
    said=kinds("VALID", "INVALID", "QUIET", "STEPS"),
    together=kinds("QUIET", "STEPS"),
)
QUIET_BOUND = Scenario(
    name="quiet-bound",
    about="quiet and steps one by one, a Byzantine voice for quiet, bound form",
    parameters=BOUND,
    byzantine=2,
    lies=frozenset({"QUIET", "VALID"}),
    said=kinds("VALID", "QUIET", "STEPS"),
    together=kinds("VALID"),
    others_max=1,
)
QUIET_POLYGON = replace(
    QUIET_BOUND,
    name="quiet-polygon",
    about="the same in polygon form, where a header may land late",
    parameters=POLYGON,
)
HEADS = Scenario(
    name="heads",
    about="heads one by one, a liar about its own",
    parameters=replace(BOUND, minimum_blocks=2, maximum_blocks=4, multiple_blocks=2),
    byzantine=2,
    lies=frozenset({"HEAD", "VALID"}),
    said=kinds("HEAD", "VALID", "QUIET", "STEPS"),
    together=kinds("VALID", "QUIET", "STEPS"),
    side_min=0,
    root_s_max=3,
)
PACE = Scenario(
    name="pace",
    about="an idle side chain, minimum lengths, the interval, and ranges of any length once it is forced",
    parameters=replace(BOUND, minimum_blocks=2, maximum_blocks=4, multiple_blocks=2, interval_s=2, force_after_s=3),
    said=kinds("HEAD", "VALID", "QUIET", "STEPS"),
    together=kinds("HEAD", "VALID", "QUIET", "STEPS"),
    side_min=0,
    turns_max=3,
    engine_s_max=4,
)
THIRDS = Scenario(
    name="thirds",
    about="three equal validators, of which two are exactly two thirds and one exactly a third",
    parameters=BOUND,
    powers=(1, 1, 1),
    careless=0,
    said=kinds("VALID", "INVALID", "QUIET", "STEPS"),
)
LEAVERS = Scenario(
    name="leavers",
    about="two validators leave with epochs to come, one of them perhaps the proposer",
    parameters=BOUND,
    powers=DEVNET_POWERS,
    said=kinds("VALID", "QUIET", "STEPS"),
    together=kinds("VALID", "QUIET", "STEPS"),
    unstakes_max=2,
    leavers=frozenset({0, 1}),
    turns_max=4,
)
RESETS = Scenario(
    name="resets",
    about="the owner deletes headers while others land, late signatures",
    parameters=POLYGON,
    said=kinds("VALID", "LATE", "QUIET", "STEPS"),
    together=kinds("QUIET", "STEPS"),
    resets_max=1,
    turns_max=4,
)
SLOW_L1 = Scenario(
    name="slow-l1",
    about="L1 includes later than the buffer allows, its clock ahead of ours or behind, a Byzantine proposer's turns",
    parameters=replace(BOUND, no_ack_growth_cap=3),
    byzantine=2,
    lies=frozenset({"VALID"}),
    said=kinds("VALID", "QUIET", "STEPS"),
    together=kinds("VALID", "QUIET", "STEPS"),
    root_steps_s=(1, 6),
    turns_max=3,
    root_s_max=14,
    engine_s_max=1,
    inclusion_s=3,
)
FOREVER = 10**9
WALKED = Scenario(
    name="walked-bound",
    about="everything at once and without bounds, under parameters that genesis accepts: for walks",
    parameters=Parameters(
        is_bound=True,
        minimum_blocks=2,
        maximum_blocks=6,
        multiple_blocks=2,
        interval_s=2,
        force_after_s=9,
        confirmation_lag_s=1,
        no_ack_buffer_s=6,
        no_ack_growth_cap=2,
        grace_blocks=2,
        inclusion_allowance_s=1,
    ),
    powers=(10, 9, 8, 7, 6, 5),
    byzantine=5,
    lies=frozenset({"HEAD", "VALID", "INVALID", "QUIET", "PROPOSE"}),
    said=frozenset(ALL_KINDS),
    root_steps_s=(1, 4),
    turns_max=FOREVER,
    engine_s_max=FOREVER,
    root_s_max=FOREVER,
    side_min=0,
    side_max=FOREVER,
    others_max=FOREVER,
    unstakes_max=3,
    leavers=frozenset({0, 1, 2}),
    resets_max=3,
    genesis_l1_s=-10,
)
WALKED_POLYGON = replace(
    WALKED,
    name="walked-polygon",
    about="the same in polygon form, with the powers of a devnet",
    parameters=replace(WALKED.parameters, is_bound=False),
    powers=DEVNET_POWERS,
    byzantine=3,
    leavers=frozenset({0}),
)
WALKED_EQUALS = replace(
    WALKED,
    name="walked-equals",
    about="the same with three equal validators, so that addresses decide, and thirds are exact",
    powers=(1, 1, 1),
    byzantine=None,
    careless=0,
    lies=frozenset(),
    unstakes_max=0,
)
WALKS = (WALKED, WALKED_POLYGON, WALKED_EQUALS)
EXPLORED = (VERDICTS, QUIET_BOUND, QUIET_POLYGON, HEADS, PACE, THIRDS, LEAVERS, RESETS, SLOW_L1)
WIDER = (
    replace(VERDICTS, name="verdicts-wider", engine_s_max=1, turns_max=3),
    replace(QUIET_BOUND, name="quiet-bound-wider", engine_s_max=1, root_s_max=6, turns_max=3),
    replace(QUIET_POLYGON, name="quiet-polygon-wider", powers=DEVNET_POWERS, byzantine=3),
    replace(HEADS, name="heads-wider", powers=DEVNET_POWERS, byzantine=3, engine_s_max=1),
    replace(LEAVERS, name="leavers-wider", together=kinds("QUIET", "STEPS"), engine_s_max=1),
    replace(RESETS, name="resets-wider", resets_max=2, turns_max=5),
)
"""The same with wider bounds: more than `make test` has time for, and more than even `make model` sees the end of."""
