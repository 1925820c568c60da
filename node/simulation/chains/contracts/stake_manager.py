"""StakeManager: the validators, their stake, and the check of their signatures under a checkpoint."""

from dataclasses import replace
from typing import cast

from bridge.codec.abi import decode_values
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import address_of, is_on_curve
from bridge.codec.types import ZERO_ADDRESS, Address, Hash32, PublicKey
from contracts.deployment import contract_address
from node.simulation.chains.abi import SignatureWords, checked, custom_error, downcast, refusal, words
from node.simulation.chains.contracts import validator_set
from node.simulation.chains.contracts.exit_proof import tree_root
from node.simulation.chains.contracts.stake_ledger import (
    ACTIVE,
    INCORRECT_VALIDATOR_ID,
    TOKEN_WEI,
    UNSTAKED,
    StakeLedger,
    Validator,
)
from node.simulation.chains.contracts.staking_info import StakingInfo
from node.simulation.chains.contracts.tokens import ERC20
from node.simulation.chains.contracts.validator_set import Entry
from node.simulation.chains.execution import code_key, functions, nonce_key

SIGNERS_MAX = 2**16 - 1


class StakeManager(StakeLedger):
    """An epoch is one accepted checkpoint. Who stakes counts at once; who leaves counts until the epoch ends."""

    ARTIFACT = "StakeManager"

    def construct(self, arguments: bytes) -> None:
        """StakeToken, StakingInfo, RootChain, and the five parameters."""
        types = ("address", "address", "address", "(uint256,uint256,uint256,uint256,uint256)")
        token, logger, root_chain, parameters = decode_values(types, arguments)
        super().construct(arguments)
        self.store("token", value=token)
        self.store("logger", value=logger)
        self.store("root chain", value=root_chain)
        self.store("epoch", value=1)
        deposit, fee, limit, threshold, delay = cast(tuple[int, ...], parameters)
        self.set_min_amounts(deposit, fee)
        self.set_threshold(threshold)
        self.store("signer update limit", value=limit)
        self.store("withdrawal delay", value=delay)

    # Checkpoints

    def check_signatures(
        self,
        _interval: int,
        vote_hash: Hash32,
        state_root: Hash32,
        proposer: Address,
        signatures: tuple[SignatureWords, ...],
    ) -> int:
        if self.sender != self.root_chain():
            raise custom_error("OnlyRootChain()")
        members = self.members()
        tally = validator_set.tally(members, vote_hash, signatures, proposer)
        if not tally.proposer_number:
            raise custom_error("ProposerNotAValidator(address)", proposer)
        if tally.signed < tally.total * 2 // 3 + 1:
            raise refusal("2/3+1 non-majority!")
        self.store("account root", value=state_root)
        epoch = self.epoch() + 1
        self.store("epoch", value=epoch)
        if self.leavers():
            self._write(self._without_leavers(members, epoch))
        return tally.proposer_number

    # Staking

    def stake_for(self, user: Address, amount: int, fee: int, accept_delegation: bool, public_key: bytes) -> None:
        if accept_delegation:
            raise custom_error("DelegationUnsupported()")
        if self.size() >= self.validator_threshold():
            raise refusal("no more slots")
        if amount < self.min_deposit():
            raise custom_error("DepositTooSmall(uint256,uint256)", amount, self.min_deposit())
        if user == ZERO_ADDRESS:
            raise custom_error("InvalidUser()")
        if self.id_of(user):
            raise custom_error("AlreadyAValidator(address)", user)
        validator_id, epoch = self.nft_counter(), self.epoch()
        self.store("counter", value=validator_id + 1)
        signer, number = self._register_signer(validator_id, public_key)
        validator = Validator(downcast(amount, 128), epoch, 0, signer, ACTIVE, user)
        self.save_validator(validator_id, validator)
        self.store("validator of", user, value=validator_id)
        total = checked(self.total_staked() + amount)
        self.store("total", value=total)
        self.store("stake in force", value=checked(self.stake_in_force() + amount, 128))
        self.store("size", value=self.size() + 1)
        self._write(validator_set.including(self.members(), _entry(signer, amount, number)))
        self._top_up(user, fee)
        self._log().log_staked(signer, public_key, validator_id, epoch, amount, total)
        self._token().transfer_from(self.sender, self.address, checked(amount + fee))

    def restake(self, validator_id: int, amount: int, _with_rewards: bool) -> None:
        validator = self._only_owner_of(validator_id)
        if validator.deactivation_epoch:
            raise custom_error("AlreadyLeaving(uint256)", validator_id)
        if not amount:
            raise custom_error("NothingToRestake()")
        new_amount = checked(validator.amount + amount)
        self.save_validator(validator_id, replace(validator, amount=downcast(new_amount, 128)))
        self.store("total", value=checked(self.total_staked() + amount))
        self.store("stake in force", value=checked(self.stake_in_force() + amount, 128))
        others, old = validator_set.without(self.members(), validator.signer)
        self._write(validator_set.including(others, _entry(validator.signer, new_amount, old.number)))
        self._log().log_stake_update(validator_id, new_amount)
        self._log().log_restaked(validator_id, new_amount, self.total_staked())
        self._token().transfer_from(self.sender, self.address, amount)

    def update_signer(self, validator_id: int, public_key: bytes) -> None:
        validator = self._only_owner_of(validator_id)
        self._require_active(validator_id)
        epoch = self.epoch()
        if epoch < checked(self.latest_signer_update_epoch(validator_id) + self.signer_update_limit()):
            raise refusal("Not allowed")
        signer, number = self._register_signer(validator_id, public_key)
        self.store("validator id of", validator.signer, value=INCORRECT_VALIDATOR_ID)
        self.save_validator(validator_id, replace(validator, signer=signer))
        self.store("signer updated", validator_id, value=epoch)
        others, _ = validator_set.without(self.members(), validator.signer)
        self._write(validator_set.including(others, _entry(signer, validator.amount, number)))
        self._log().log_signer_change(validator_id, validator.signer, signer, public_key)

    def unstake(self, validator_id: int) -> None:
        validator = self._only_owner_of(validator_id)
        if validator.deactivation_epoch:
            raise custom_error("AlreadyLeaving(uint256)", validator_id)
        last = self.epoch() + 1
        self.save_validator(validator_id, replace(validator, deactivation_epoch=last))
        self.store("leavers", value=(*self.leavers(), validator_id))
        self._log().log_unstake_init(self.sender, validator_id, last, validator.amount)

    def force_unstake(self, validator_id: int) -> None:
        self.only_owner()
        self._require_active(validator_id)
        validator, epoch = self.validator(validator_id), self.epoch()
        self.save_validator(validator_id, replace(validator, deactivation_epoch=epoch))
        self._leaves(validator)
        self._write(validator_set.without(self.members(), validator.signer)[0])
        self._log().log_unstake_init(validator.owner, validator_id, epoch, validator.amount)

    def claim_stake(self, validator_id: int) -> None:
        validator = self._only_owner_of(validator_id)
        left = validator.deactivation_epoch
        if not left or checked(left + self.withdrawal_delay()) > self.epoch():
            raise custom_error("ClaimTooEarly(uint256)", validator_id)
        self.store("validator id of", validator.signer, value=INCORRECT_VALIDATOR_ID)
        total = self.total_staked() - validator.amount
        self.store("total", value=total)
        gone = replace(validator, amount=0, signer=ZERO_ADDRESS, owner=ZERO_ADDRESS, status=UNSTAKED)
        self.save_validator(validator_id, gone)
        self.store("validator of", self.sender, value=0)
        self._log().log_unstaked(self.sender, validator_id, validator.amount, total)
        self._token().transfer(self.sender, validator.amount)

    # Fees

    def top_up_for_fee(self, user: Address, fee: int) -> None:
        self._top_up(user, fee)
        self._token().transfer_from(self.sender, self.address, fee)

    def claim_fee(self, accumulated: int, index: int, proof: bytes) -> None:
        if tree_root(keccak256(words(self.sender, accumulated)), index, proof) != self.account_root():
            raise refusal("Wrong acc proof")
        fee = accumulated - self.user_fee_exit(self.sender)
        if fee <= 0:
            raise custom_error("NothingToClaim()")
        self.store("fees paid to", self.sender, value=accumulated)
        self.store("fees", value=checked(self.total_fee() - fee))
        self._log().log_claim_fee(self.sender, fee)
        self._token().transfer(self.sender, fee)

    # Inside

    def _log(self) -> StakingInfo:
        return self.other(self.logger(), StakingInfo)

    def _token(self) -> ERC20:
        return self.other(self.token(), ERC20)

    def _only_owner_of(self, validator_id: int) -> Validator:
        validator = self.validator(validator_id)
        if self.sender != validator.owner:
            raise custom_error("NotTheOwnerOf(uint256)", validator_id)
        return validator

    def _require_active(self, validator_id: int) -> None:
        if not self.is_validator(validator_id):
            raise custom_error("NotActive(uint256)", validator_id)

    def _register_signer(self, validator_id: int, public_key: bytes) -> tuple[Address, int]:
        """A signer that nobody has had, and its number, from 1."""
        if len(public_key) != 64:
            raise refusal("not pub")
        if not is_on_curve(PublicKey(public_key)):
            raise custom_error("NotOnCurve()")
        signer = address_of(PublicKey(public_key))
        if self.signer_to_validator(signer):
            raise refusal("Invalid signer")
        self.store("validator id of", signer, value=validator_id)
        number = self.load("signers", default=0) + 1
        if number > SIGNERS_MAX:
            raise custom_error("NoMoreSigners()")
        self.store("signers", value=number)
        self.store("signer", number, value=signer)
        return signer, number

    def _without_leavers(self, members: tuple[Entry, ...], new_epoch: int) -> tuple[Entry, ...]:
        """Those are passed over that were removed by force after they had announced themselves."""
        for validator_id in self.leavers():
            validator = self.validator(validator_id)
            if validator.deactivation_epoch == new_epoch:
                members, _ = validator_set.without(members, validator.signer)
                self._leaves(validator)
        self.store("leavers", value=())
        return members

    def _leaves(self, validator: Validator) -> None:
        self.store("stake in force", value=self.stake_in_force() - validator.amount)
        self.store("size", value=self.size() - 1)

    def _write(self, members: tuple[Entry, ...]) -> None:
        """Keep the set, also as the contract does: as the code of a new account."""
        self.store("members", value=members)
        nonce = cast(int, self.execution.state.get(nonce_key(self.address)))
        holder = contract_address(self.address, nonce)
        self.execution.state.set(nonce_key(self.address), nonce + 1)
        self.execution.state.set(nonce_key(holder), 1)
        self.execution.state.set(code_key(holder), validator_set.blob(members))

    def _top_up(self, user: Address, fee: int) -> None:
        if fee < self.min_fee():
            raise refusal("fee too small")
        self.store("fees", value=checked(self.total_fee() + fee))
        self._log().log_top_up_fee(user, fee)

    FUNCTIONS = StakeLedger.FUNCTIONS | functions(
        {
            "checkSignatures(uint256,bytes32,bytes32,address,uint256[3][])": check_signatures,
            "stakeForPOL(address,uint256,uint256,bool,bytes)": stake_for,
            "stakeFor(address,uint256,uint256,bool,bytes)": stake_for,
            "restakePOL(uint256,uint256,bool)": restake,
            "updateSigner(uint256,bytes)": update_signer,
            "unstakePOL(uint256)": unstake,
            "forceUnstakePOL(uint256)": force_unstake,
            "unstakeClaimPOL(uint256)": claim_stake,
            "topUpForFee(address,uint256)": top_up_for_fee,
            "claimFee(uint256,uint256,bytes)": claim_fee,
        }
    )


def _entry(signer: Address, amount: int, number: int) -> Entry:
    return Entry(signer, downcast(amount // TOKEN_WEI, 64), number)
