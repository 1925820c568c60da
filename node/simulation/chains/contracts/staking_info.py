"""StakingInfo: the log of the StakeManager."""

from bridge.codec.abi import decode_values, encode_values, event_topic
from bridge.codec.events import SIGNER_CHANGE_TOPIC, STAKE_UPDATE_TOPIC, STAKED_TOPIC, UNSTAKE_INIT_TOPIC
from bridge.codec.types import ZERO_ADDRESS, Address
from node.simulation.chains.abi import custom_error, words
from node.simulation.chains.execution import ModelContract, functions

_UNSTAKED = event_topic("Unstaked(address,uint256,uint256,uint256)")
_RESTAKED = event_topic("Restaked(uint256,uint256,uint256)")
_TOP_UP_FEE = event_topic("TopUpFee(address,uint256)")
_CLAIM_FEE = event_topic("ClaimFee(address,uint256)")


class StakingInfo(ModelContract):
    """Numbers a validator's logs from 1 without gaps."""

    ARTIFACT = "StakingInfo"

    def construct(self, arguments: bytes) -> None:
        """The StakeManager, which alone may log."""
        (manager,) = decode_values(("address",), arguments)
        self.store("stake manager", value=manager)

    def stake_manager(self) -> Address:
        return self.load("stake manager", default=ZERO_ADDRESS)

    def validator_nonce(self, validator_id: int) -> int:
        return self.load("nonce of", validator_id, default=0)

    def log_staked(
        self, signer: Address, public_key: bytes, validator_id: int, activation_epoch: int, amount: int, total: int
    ) -> None:
        types, nonce = ("uint256", "uint256", "uint256", "bytes"), self._next_nonce(validator_id)
        data = encode_values(types, (nonce, amount, total, public_key))
        self.emit((STAKED_TOPIC, signer, validator_id, activation_epoch), data)

    def log_stake_update(self, validator_id: int, new_amount: int) -> None:
        self.emit((STAKE_UPDATE_TOPIC, validator_id, self._next_nonce(validator_id), new_amount))

    def log_signer_change(self, validator_id: int, old_signer: Address, new_signer: Address, public_key: bytes) -> None:
        data = encode_values(("uint256", "bytes"), (self._next_nonce(validator_id), public_key))
        self.emit((SIGNER_CHANGE_TOPIC, validator_id, old_signer, new_signer), data)

    def log_unstake_init(self, user: Address, validator_id: int, deactivation_epoch: int, amount: int) -> None:
        data = words(self._next_nonce(validator_id), deactivation_epoch)
        self.emit((UNSTAKE_INIT_TOPIC, user, validator_id, amount), data)

    def log_unstaked(self, user: Address, validator_id: int, amount: int, total: int) -> None:
        self._only_stake_manager()
        self.emit((_UNSTAKED, user, validator_id), words(amount, total))

    def log_restaked(self, validator_id: int, amount: int, total: int) -> None:
        self._only_stake_manager()
        self.emit((_RESTAKED, validator_id), words(amount, total))

    def log_top_up_fee(self, user: Address, fee: int) -> None:
        self._only_stake_manager()
        self.emit((_TOP_UP_FEE, user, fee))

    def log_claim_fee(self, user: Address, fee: int) -> None:
        self._only_stake_manager()
        self.emit((_CLAIM_FEE, user, fee))

    def _only_stake_manager(self) -> None:
        if self.sender != self.stake_manager():
            raise custom_error("OnlyStakeManager()")

    def _next_nonce(self, validator_id: int) -> int:
        self._only_stake_manager()
        nonce = self.validator_nonce(validator_id) + 1
        self.store("nonce of", validator_id, value=nonce)
        return nonce

    FUNCTIONS = functions(
        {
            "stakeManager()": stake_manager,
            "validatorNonce(uint256)": validator_nonce,
            "logStaked(address,bytes,uint256,uint256,uint256,uint256)": log_staked,
            "logStakeUpdate(uint256,uint256)": log_stake_update,
            "logSignerChange(uint256,address,address,bytes)": log_signer_change,
            "logUnstakeInit(address,uint256,uint256,uint256)": log_unstake_init,
            "logUnstaked(address,uint256,uint256,uint256)": log_unstaked,
            "logRestaked(uint256,uint256,uint256)": log_restaked,
            "logTopUpFee(address,uint256)": log_top_up_fee,
            "logClaimFee(address,uint256)": log_claim_fee,
        }
    )
