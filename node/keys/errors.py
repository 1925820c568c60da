"""Expected errors of `node.keys`: keys that do not open, a signing record that cannot guard, signatures refused.

    KeysError
    ├── KeystoreError              a keystore or password file is missing, malformed, or does not open
    ├── KeyNotHeld                 no key of this home has the address
    ├── RecordError                signing.db cannot guard signatures
    │   ├── RecordInUse            another process holds it
    │   ├── RecordMissing          it is gone
    │   ├── RecordDamaged          its contents contradict themselves
    │   ├── RecordForeign          it is another home's, or of another program version
    │   ├── RecordUnusable         the file cannot be made, read or written
    │   ├── StaleRecord            it is an older copy, or lacks something that we signed
    │   └── RecordRetired          the right to sign was moved to another record
    ├── RecordWorkRefused          what a person asks of the record would loosen it, or cannot be told yet
    │   ├── InterchangeUnusable    a file of an export is malformed, was changed, or cannot be read or written
    │   ├── InterchangeTooLarge    an export would be larger than an import takes
    │   ├── ImportForeign          the file is of another network
    │   ├── ImportConflict         two different things were signed for one slot
    │   ├── ImportNotYet           what the chain shows cannot be judged yet
    │   └── RebaseRefused          the block is not the one to go on from, or a signed range may still land
    └── SigningRefused             this one signature is refused
        ├── NotCaughtUp            the engine has not caught up yet
        ├── SlotTaken              other bytes were signed for this slot
        ├── DoubleSignRefused      a consensus vote before the last one, or another one in its place
        ├── ClockSkewed            our clock is wrong, and a precommit would tell it to the network
        ├── SignedEndsUnchecked    ends signed before this start were not compared with the side chain yet
        ├── SideBlockNotConfirmed  my side chain does not reach a signed block, or the range's end
        ├── SideReorgBelowSigned   the side chain has another block where we signed one
        └── TwinNode               another node uses our key

`code` is the stable name that logs, API and metrics share; the message says what to do. Anything else is a bug.
"""

from typing import ClassVar


class KeysError(Exception):
    """Root of the expected errors of `node.keys`."""

    code: ClassVar[str] = "KEYS"


class KeystoreError(KeysError):
    """A keystore or password file is missing, malformed, open to others, or does not fit."""

    code = "KEYSTORE"


class KeyNotHeld(KeysError):
    """A signature was asked from an address whose key is not in the key ring."""

    code = "KEY_NOT_HELD"


class RecordError(KeysError):
    """The signing record cannot guard signatures, so nothing is signed."""

    code = "RECORD"


class RecordInUse(RecordError):
    """Another process holds the signing record."""

    code = "RECORD_IN_USE"


class RecordMissing(RecordError):
    """The signing record is not where it must be."""

    code = "RECORD_MISSING"


class RecordDamaged(RecordError):
    """The signing record is not a database, or its entries do not add up."""

    code = "RECORD_DAMAGED"


class RecordForeign(RecordError):
    """The signing record belongs to another home, or its schema to another version of the program."""

    code = "RECORD_FOREIGN"


class RecordUnusable(RecordError):
    """The operating system, or the file's mode, does not let us use the signing record."""

    code = "RECORD_UNUSABLE"


class StaleRecord(RecordError):
    """The signing record is an older copy: something that we signed is not in it."""

    code = "STALE_RECORD"


class RecordRetired(RecordError):
    """The right to sign was moved to another record."""

    code = "RECORD_RETIRED"


class RecordWorkRefused(KeysError):
    """What a person asks of the record is refused; nothing was changed."""

    code = "RECORD_WORK_REFUSED"


class InterchangeUnusable(RecordWorkRefused):
    """A file that is no export of a signing record, was changed since, or cannot be read or written."""

    code = "INTERCHANGE_UNUSABLE"


class InterchangeTooLarge(RecordWorkRefused):
    """The record holds more than an export takes."""

    code = "INTERCHANGE_TOO_LARGE"


class ImportForeign(RecordWorkRefused):
    """The export is of another network."""

    code = "IMPORT_FOREIGN"


class ImportConflict(RecordWorkRefused):
    """Two different things were signed for one slot."""

    code = "IMPORT_CONFLICT"


class ImportNotYet(RecordWorkRefused):
    """What the chain shows that we signed cannot be judged yet."""

    code = "IMPORT_NOT_YET"


class RebaseRefused(RecordWorkRefused):
    """The record cannot go on from this block, or not yet."""

    code = "REBASE_REFUSED"


class SigningRefused(KeysError):
    """A signature is refused; nothing left the signer."""

    code = "SIGNING_REFUSED"


class NotCaughtUp(SigningRefused):
    """The engine has not caught up, so the signer cannot know yet what it signed before."""

    code = "NOT_CAUGHT_UP"


class SlotTaken(SigningRefused):
    """Something else was signed for this slot; one slot has one digest for ever."""

    code = "SLOT_TAKEN"


class DoubleSignRefused(SigningRefused):
    """A consensus vote comes before the last one that was signed, or has its place and says something else."""

    code = "DOUBLE_SIGN_REFUSED"


class ClockSkewed(SigningRefused):
    """Our clock is wrong; the time in a precommit counts for the time of the next block."""

    code = "CLOCK_SKEW"


class SignedEndsUnchecked(SigningRefused):
    """Ends signed before this start lie below the acknowledged end and were not compared with the side chain yet."""

    code = "SIGNED_ENDS_UNCHECKED"


class SideBlockNotConfirmed(SigningRefused):
    """My confirmed side chain does not (yet) hold a block that a signature stands on: wait, nothing is wrong."""

    code = "SIDE_BLOCK_NOT_CONFIRMED"


class SideReorgBelowSigned(SigningRefused):
    """The side chain replaced a block that we have signed."""

    code = "SIDE_REORG_BELOW_SIGNED"


class TwinNode(SigningRefused):
    """Another node signs with one of our keys."""

    code = "TWIN_NODE"
