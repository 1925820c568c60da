"""Expected errors of `bridge.light`: why something is not shown to be agreed.

    LightError
    ├── SourceFailed        LIGHT_NODE_FAILED       a node gives no answer, or none of the right form
    ├── NodeBehind          LIGHT_NODE_BEHIND       a node shows less than what is known already
    ├── HeaderForged        LIGHT_HEADER_FORGED     a header, commit or validator set that proves nothing
    ├── TooManySteps        LIGHT_TOO_MANY_STEPS    the way to a header is longer than it may be
    ├── TrustExpired        LIGHT_TRUST_EXPIRED     the last trusted header is too old to go on from
    ├── TrustUnusable       LIGHT_TRUST_UNUSABLE    the file with the trusted header, or the header that was named
    ├── HeadersDiffer       LIGHT_HEADERS_DIFFER    two nodes show different headers of one height
    ├── WitnessesSilent     LIGHT_WITNESSES_SILENT  no witness shows a header to compare with
    ├── ProofForged         LIGHT_PROOF_FORGED      a proof does not lead to the app hash
    └── NotShown            LIGHT_NOT_SHOWN         the node does not show what was asked for

`code` is the stable name that the command line and docs/runbook.md share.
"""

from typing import ClassVar


class LightError(Exception):
    """Root of the expected errors of `bridge.light`."""

    code: ClassVar[str] = "LIGHT"


class SourceFailed(LightError):
    """A node gives no answer, or none of the right form."""

    code = "LIGHT_NODE_FAILED"


class NodeBehind(LightError):
    """A node shows less than what is known already."""

    code = "LIGHT_NODE_BEHIND"


class HeaderForged(LightError):
    """A header, commit or validator set that does not show what it should."""

    code = "LIGHT_HEADER_FORGED"


class TooManySteps(LightError):
    """The way to a header needs more headers than are fetched for one."""

    code = "LIGHT_TOO_MANY_STEPS"


class TrustExpired(LightError):
    """The trusting period of the last trusted header is over: its validators may have left and sold their keys."""

    code = "LIGHT_TRUST_EXPIRED"


class TrustUnusable(LightError):
    """The trusted header's file is damaged or of another network, or the header named as trusted is not there."""

    code = "LIGHT_TRUST_UNUSABLE"


class HeadersDiffer(LightError):
    """Two nodes show different headers of one height: one of them lies, or the validators signed twice."""

    code = "LIGHT_HEADERS_DIFFER"


class WitnessesSilent(LightError):
    """Witnesses were named, and none shows a header to compare with."""

    code = "LIGHT_WITNESSES_SILENT"


class ProofForged(LightError):
    """A proof does not lead from its value to the app hash."""

    code = "LIGHT_PROOF_FORGED"


class NotShown(LightError):
    """The node does not show what was asked for; that does not prove that it is not there."""

    code = "LIGHT_NOT_SHOWN"
