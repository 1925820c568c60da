"""What StakeManager keeps and shows: validators, stakes and parameters, and who may set these."""

from dataclasses import dataclass

from bridge.codec.abi import encode_values
from bridge.codec.types import ZERO_ADDRESS, ZERO_HASH, Address, Hash32
from node.simulation.chains.abi import OUT_OF_BOUNDS, UINT256_MAX, custom_error, panic
from node.simulation.chains.contracts.access import Ownable
from node.simulation.chains.contracts.validator_set import Entry
from node.simulation.chains.execution import Encoded, functions

TOKEN_WEI = 10**18
MAX_VALIDATORS = 767
INCORRECT_VALIDATOR_ID = UINT256_MAX
ACTIVE, UNSTAKED = 1, 3


@dataclass(frozen=True, slots=True)
class Validator:
    """One validator; a deactivation epoch of 0 is none."""

    amount: int = 0
    activation_epoch: int = 0
    deactivation_epoch: int = 0
    signer: Address = ZERO_ADDRESS
    status: int = 0
    owner: Address = ZERO_ADDRESS


_NO_VALIDATOR = Validator()


class StakeLedger(Ownable):
    """The storage of StakeManager, its getters, and its owner's setters."""

    # Validators

    def validator(self, validator_id: int) -> Validator:
        """One validator; what never was is all zero."""
        return self.load("validator", validator_id, default=_NO_VALIDATOR)

    def save_validator(self, validator_id: int, validator: Validator) -> None:
        """Keep a validator as it is now."""
        self.store("validator", validator_id, value=validator)

    def id_of(self, user: Address) -> int:
        """The validator that a user owns, or 0."""
        return self.load("validator of", user, default=0)

    def leavers(self) -> tuple[int, ...]:
        """Who has announced to leave since the last checkpoint."""
        return self.load("leavers", default=())

    # Parameters

    def update_min_amounts(self, deposit: int, fee: int) -> None:
        self.only_owner()
        self.set_min_amounts(deposit, fee)

    def update_signer_limit(self, epochs: int) -> None:
        self.only_owner()
        self.store("signer update limit", value=epochs)

    def update_threshold(self, count: int) -> None:
        self.only_owner()
        self.set_threshold(count)

    def update_delay(self, epochs: int) -> None:
        self.only_owner()
        self.store("withdrawal delay", value=epochs)

    def set_min_amounts(self, deposit: int, fee: int) -> None:
        """Without asking who sets them."""
        if deposit < TOKEN_WEI:
            raise custom_error("ParameterOutOfRange()")
        self.store("min deposit", value=deposit)
        self.store("min fee", value=fee)

    def set_threshold(self, count: int) -> None:
        """Without asking who sets it."""
        if not 0 < count <= MAX_VALIDATORS:
            raise custom_error("ParameterOutOfRange()")
        self.store("validator threshold", value=count)

    # Views

    def token(self) -> Address:
        return self.load("token", default=ZERO_ADDRESS)

    def logger(self) -> Address:
        return self.load("logger", default=ZERO_ADDRESS)

    def root_chain(self) -> Address:
        return self.load("root chain", default=ZERO_ADDRESS)

    def min_deposit(self) -> int:
        return self.load("min deposit", default=0)

    def min_fee(self) -> int:
        return self.load("min fee", default=0)

    def signer_update_limit(self) -> int:
        return self.load("signer update limit", default=0)

    def validator_threshold(self) -> int:
        return self.load("validator threshold", default=0)

    def withdrawal_delay(self) -> int:
        return self.load("withdrawal delay", default=0)

    def incorrect_validator_id(self) -> int:
        return INCORRECT_VALIDATOR_ID

    def account_root(self) -> Hash32:
        return self.load("account root", default=ZERO_HASH)

    def total_staked(self) -> int:
        return self.load("total", default=0)

    def total_fee(self) -> int:
        return self.load("fees", default=0)

    def nft_counter(self) -> int:
        return self.load("counter", default=1)

    def epoch(self) -> int:
        return self.load("epoch", default=0)

    def stake_in_force(self) -> int:
        return self.load("stake in force", default=0)

    def size(self) -> int:
        return self.load("size", default=0)

    def validator_state(self) -> tuple[int, int]:
        return self.stake_in_force(), self.size()

    def signer_to_validator(self, signer: Address) -> int:
        return self.load("validator id of", signer, default=0)

    def latest_signer_update_epoch(self, validator_id: int) -> int:
        return self.load("signer updated", validator_id, default=0)

    def user_fee_exit(self, user: Address) -> int:
        return self.load("fees paid to", user, default=0)

    def validator_words(self, validator_id: int) -> tuple[int | bytes, ...]:
        """Polygon's thirteen words."""
        found = self.validator(validator_id)
        epochs = found.activation_epoch, found.deactivation_epoch
        return (found.amount, 0, *epochs, 0, found.signer, ZERO_ADDRESS, found.status, 0, 0, 0, 0, 0)

    def validator_set(self) -> Encoded:
        members = self.members()
        columns = [entry.signer for entry in members], [entry.power for entry in members]
        return Encoded(encode_values(("address[]", "uint256[]"), columns))

    def is_validator(self, validator_id: int) -> bool:
        found = self.validator(validator_id)
        is_there = not found.deactivation_epoch or found.deactivation_epoch > self.epoch()
        return found.status == ACTIVE and is_there

    def get_validator_id(self, user: Address) -> int:
        validator_id = self.id_of(user)
        if not validator_id:
            raise custom_error("NoValidatorOf(address)", user)
        return validator_id

    def owner_of(self, validator_id: int) -> Address:
        return self.validator(validator_id).owner

    def validator_stake(self, validator_id: int) -> int:
        return self.validator(validator_id).amount

    def total_staked_for(self, user: Address) -> int:
        return self.validator(self.id_of(user)).amount

    def signer_at(self, number: int) -> Address:
        signer = self.load("signer", number, default=ZERO_ADDRESS)
        if number > self.load("signers", default=0):
            raise panic(OUT_OF_BOUNDS)
        return signer

    def members(self) -> tuple[Entry, ...]:
        """The validators in force, ascending by signer."""
        return self.load("members", default=())

    FUNCTIONS = Ownable.FUNCTIONS | functions(
        {
            "updateMinAmounts(uint256,uint256)": update_min_amounts,
            "updateSignerUpdateLimit(uint256)": update_signer_limit,
            "updateValidatorThreshold(uint256)": update_threshold,
            "updateDynastyValue(uint256)": update_delay,
            "token()": token,
            "logger()": logger,
            "rootChain()": root_chain,
            "minDeposit()": min_deposit,
            "minHeimdallFee()": min_fee,
            "signerUpdateLimit()": signer_update_limit,
            "validatorThreshold()": validator_threshold,
            "withdrawalDelay()": withdrawal_delay,
            "WITHDRAWAL_DELAY()": withdrawal_delay,
            "INCORRECT_VALIDATOR_ID()": incorrect_validator_id,
            "accountStateRoot()": account_root,
            "totalStaked()": total_staked,
            "totalHeimdallFee()": total_fee,
            "NFTCounter()": nft_counter,
            "epoch()": epoch,
            "currentEpoch()": epoch,
            "currentValidatorSetTotalStake()": stake_in_force,
            "currentValidatorSetSize()": size,
            "validatorState()": validator_state,
            "signerToValidator(address)": signer_to_validator,
            "latestSignerUpdateEpoch(uint256)": latest_signer_update_epoch,
            "userFeeExit(address)": user_fee_exit,
            "validators(uint256)": validator_words,
            "validatorSet()": validator_set,
            "isValidator(uint256)": is_validator,
            "getValidatorId(address)": get_validator_id,
            "ownerOf(uint256)": owner_of,
            "validatorStake(uint256)": validator_stake,
            "totalStakedFor(address)": total_staked_for,
            "signerAt(uint256)": signer_at,
        }
    )
