"""The compiled contracts: how they are read, that they speak Polygon's ABI, and that they fit on a chain."""

import json
from pathlib import Path

import pytest

import contracts
from bridge.codec.errors import AbiError
from contracts.loader import artifact, constructor_data
from tests.contracts.harness import CONTRACTS

FOLDER = Path(contracts.__file__).parent
CODE_BYTES_MAX = 24_576
"""EIP-170."""

SELECTORS = {
    "RootChain": """
        cc79f97b CHAINID()  8d978d88 _nextHeaderBlock()  ec7e4855 currentHeaderBlock()  b87e1b66 getLastChildBlock()
        41539d4a headerBlocks(uint256)  cf24a0ea setNextHeaderBlock(uint256)
        4e43e495 submitCheckpoint(bytes,uint256[3][])
    """,
    "StakeManager": """
        0ebb172a WITHDRAWAL_DELAY()  17c2b910 accountStateRoot()
        2fa9d18b checkSignatures(uint256,bytes32,bytes32,address,uint256[3][])
        68cb812a claimFee(uint256,uint256,bytes)  76671808 currentEpoch()  7f952d95 currentValidatorSetSize()
        a4769071 currentValidatorSetTotalStake()  900cf0cf epoch()  7854f354 forceUnstakePOL(uint256)
        174e6832 getValidatorId(address)  2649263a isValidator(uint256)  d7f5549d latestSignerUpdateEpoch(uint256)
        f24ccbfe logger()  41b3d185 minDeposit()  fba58f34 minHeimdallFee()  5508d8e1 NFTCounter()
        6352211e ownerOf(uint256)  96a93224 restakePOL(uint256,uint256,bool)  987ab9db rootChain()
        3862da0b signerToValidator(address)  4e3c83f1 signerUpdateLimit()
        4fdd20f1 stakeFor(address,uint256,uint256,bool,bytes)  81254e12 stakeForPOL(address,uint256,uint256,bool,bytes)
        fc0c546a token()  63656798 topUpForFee(address,uint256)  9a8a6243 totalHeimdallFee()  817b1cd2 totalStaked()
        4b341aed totalStakedFor(address)  ff3db8e3 unstakeClaimPOL(uint256)  30cbe571 unstakePOL(uint256)
        e6692f49 updateDynastyValue(uint256)  b1d23f02 updateMinAmounts(uint256,uint256)
        f41a9642 updateSigner(uint256,bytes)  06cfb104 updateSignerUpdateLimit(uint256)
        16827b1b updateValidatorThreshold(uint256)  78f84a44 userFeeExit(address)  eceec1d3 validatorStake(uint256)
        e59ee0c6 validatorState()  4fd101d7 validatorThreshold()  35aa2e44 validators(uint256)
        a7ab6961 withdrawalDelay()
    """,
    "StakingInfo": "ebde9f93 validatorNonce(uint256)",
    "StateSender": """
        61bc221a counter()  aa677354 register(address,address)  942e6bcf registrations(address)
        16f19831 syncState(address,bytes)
    """,
    "RootChainManager": """
        d81c8e52 DEPOSIT()  568b80b5 MAPPER_ROLE()  886a69ba MAP_TOKEN()  3138b6f1 checkpointManagerAddress()
        04967702 childChainManagerAddress()  6e86b770 childToRootToken(address)  4faa8a26 depositEtherFor(address)
        e3dec8fb depositFor(address,address,bytes)  3805550f exit(bytes)  9173b139 mapToken(address,address,bytes32)
        607f2d42 processedExits(bytes32)  0c598220 registerPredicate(bytes32,address)
        ea60c7c4 rootToChildToken(address)  e2c49de1 stateSenderAddress()  e43009a6 tokenToType(address)
        e66f9603 typeToPredicate(bytes32)
    """,
    "ERC20Predicate": """
        ec87621c MANAGER_ROLE()  609c92b8 TOKEN_TYPE()  b017a30f TRANSFER_EVENT_SIG()
        e375b64e lockTokens(address,address,address,bytes)
    """,
    "ChildChainManager": """
        d81c8e52 DEPOSIT()  568b80b5 MAPPER_ROLE()  886a69ba MAP_TOKEN()  4dee4498 STATE_SYNCER_ROLE()
        6e86b770 childToRootToken(address)  47400269 mapToken(address,address)  26c53bea onStateReceive(uint256,bytes)
        ea60c7c4 rootToChildToken(address)
    """,
    "ChildERC20": "cf2c52cb deposit(address,bytes)  2e1a7d4d withdraw(uint256)",
    "Registry": """
        2d4e1dc7 addErc20Predicate(address)  ce261186 addErc721Predicate(address)  6e86b770 childToRootToken(address)
        daa09e54 isERC721(address)  6416c183 isTokenMapped(address)  01f07db5 isTokenMappedAndIsErc721(address)
        e117694b mapToken(address,address,bool)  37b1d585 predicates(address)  ea60c7c4 rootToChildToken(address)
    """,
    "WithdrawManager": """
        ed4a0be8 HALF_EXIT_PERIOD()  96cbd812 ON_FINALIZE_GAS_LIMIT()
        d931a869 addExitToQueue(address,address,address,uint256,bytes32,bool,uint256)  342de179 exits(uint256)
        0f6795f2 processExits(address)  ad1d8069 verifyInclusion(bytes,uint8,bool)
    """,
    "DepositManager": """
        42fc47fb childChain()  97feb926 depositERC20(address,uint256)
        8b9e4f93 depositERC20ForUser(address,address,uint256)  d29a4bf6 depositERC721(address,uint256)
        072b1535 depositERC721ForUser(address,address,uint256)  98ea5fca depositEther()  7b103999 registry()
        cb10f94c stateSender()  49f4cc17 transferAssets(address,address,uint256)
    """,
    "ERC20PredicateBurnOnly": "7bd94e03 onFinalizeExit(bytes)  7c5264b4 startExitWithBurntTokens(bytes)",
    "ERC721PredicateBurnOnly": "7bd94e03 onFinalizeExit(bytes)  7c5264b4 startExitWithBurntTokens(bytes)",
    "ChildChain": "26c53bea onStateReceive(uint256,bytes)",
    "PlasmaERC20": "2e1a7d4d withdraw(uint256)",
    "PlasmaERC721": "2e1a7d4d withdraw(uint256)",
    "NativeToken": "2e1a7d4d withdraw(uint256)",
    "DemoRootTunnel": "607f2d42 processedExits(bytes32)",
    "DemoChildTunnel": "26c53bea onStateReceive(uint256,bytes)",
    "ChildERC721": "cf2c52cb deposit(address,bytes)  2e1a7d4d withdraw(uint256)  9c8d4156 withdrawBatch(uint256[])",
    "ChildERC1155": """
        cf2c52cb deposit(address,bytes)  5c5fb521 withdrawBatch(uint256[],uint256[])
        2262f53f withdrawSingle(uint256,uint256)
    """,
}
"""Functions of Polygon's contracts that software made for them calls, by their selectors."""

TOPICS = {
    "RootChain": {
        "NewHeaderBlock": "ba5de06d22af2685c6c7765f60067f7d2b08c2d29f53cdf14d67f6d1c9bfb527",
        "ResetHeaderBlock": "ca1d8316287f938830e225956a7bb10fd5a1a1506dd2eb3a476751a488117205",
    },
    "StakingInfo": {
        "Staked": "68c13e4125b983d7e2d6114246f443e567ec6c4ee5b4d4a7ef6100b1402bfd84",
        "StakeUpdate": "35af9eea1f0e7b300b0a14fae90139a072470e44daa3f14b5069bebbc1265bda",
        "SignerChange": "086044c0612a8c965d4cccd907f0d588e40ad68438bd4c1274cac60f4c3a9d1f",
        "UnstakeInit": "69b288bb79cd5386c9fe0af060f650e823bcdfa96a44cdc07f862db060f57120",
        "Unstaked": "204fccf0d92ed8d48f204adb39b2e81e92bad0dedb93f5716ca9478cfb57de00",
        "Restaked": "09b24121f82c610c13909ec63bd0843468819a45f6eda5838c3a80568c2046a8",
        "TopUpFee": "2c3bb5458e3dd671c31974c4ca8e8ebc2cdd892ae8602374d9a6f789b00c6b94",
        "ClaimFee": "f40b9ca28516abde647ef8ed0e7b155e16347eb4d8dd6eb29989ed2c0c3d27e8",
    },
    "StateSender": {
        "NewRegistration": "3f4512aacd7a664fdb321a48e8340120d63253a91c6367a143abd19ecf68aedd",
        "RegistrationUpdated": "c51cb1a93ec91e927852b3445875ec77b148271953e5c0b43698c968ad6fc47d",
        "StateSynced": "103fed9db65eac19c4d870f49ab7520fe03b99f1838e5996caf47e9e43308392",
    },
    "RootChainManager": {
        "PredicateRegistered": "8643692ae1c12ec91fa18e50b82ed93fa314f580999a236824db6de9ae0d839b",
        "TokenMapped": "9e651a8866fbea043e911d816ec254b0e3c992c06fff32d605e72362d6023bd9",
    },
    "ERC20Predicate": {
        "ExitedERC20": "bb61bd1b26b3684c7c028ff1a8f6dabcac2fac8ac57b66fa6b1efb6edeab03c4",
        "LockedERC20": "9b217a401a5ddf7c4d474074aff9958a18d48690d77cc2151c4706aa7348b401",
    },
    "Registry": {
        "PredicateAdded": "0ea727f9bef04eb9a0e0da4d8fbb5b5319ddac03834baded53f84e0dcdddfedf",
        "TokenMapped": "85920d35e6c72f6b2affffa04298b0cecfeba86e4a9f407df661f1cb8ab5e617",
    },
    "WithdrawManager": {
        "ExitStarted": "aa5303fdad123ab5ecaefaf69137bf8632257839546d43a3b3dd148cc2879d6f",
        "Withdraw": "feb2000dca3e617cd6f3a8bbb63014bb54a124aac6ccbf73ee7229b4cd01f120",
    },
    "DepositManager": {
        "NewDepositBlock": "1dadc8d0683c6f9824e885935c1bec6f76816730dcec148dda8cf25a7b9f797b",
    },
    "PlasmaERC20": {
        "Withdraw": "ebff2602b3f468259e1e99f613fed6691f3a6526effe6ef3e768ba7ae7a36c4f",
    },
    "NativeToken": {
        "Deposit": "4e2ca0515ed1aef1395f66b5303bb5d6f1bf9d61a353fa53f73f8ac9973fa9f6",
        "Withdraw": "ebff2602b3f468259e1e99f613fed6691f3a6526effe6ef3e768ba7ae7a36c4f",
    },
    "PlasmaERC721": {
        "Withdraw": "9b1bfa7fa9ee420a16e124f794c35ac9f90472acc99140eb2f6447c714cad8eb",
    },
    "EtherPredicate": {
        "ExitedEther": "0fc0eed41f72d3da77d0f53b9594fc7073acd15ee9d7c536819a70a67c57ef3c",
        "LockedEther": "3e799b2d61372379e767ef8f04d65089179b7a6f63f9be3065806456c7309f1b",
    },
    "ERC721Predicate": {
        "ExitedERC721": "e9ae525a9512e4ebce82a4301c43bc0915b47778d50e13d49319952b6881f7a9",
        "LockedERC721": "8357472e13612a8c3d6f3e9d71fbba8a78ab77dbdcc7fcf3b7b645585f0bbbfc",
        "LockedERC721Batch": "5345c2beb0e49c805f42bb70c4ec5c3c3d9680ce45b8f4529c028d5f3e0f7a0d",
    },
    "ERC1155Predicate": {
        "ExitedBatchERC1155": "869b80aaea02f34f7fb379faec6f4b1ae676cad20fe5603715fdaac6f135f596",
        "ExitedERC1155": "d67111005094cf8cfa95e08877f94a651fa0b77d114471ca2991151d6ab7faa3",
        "LockedBatchERC1155": "5a921678b5779e4471b77219741a417a6ad6ec5d89fa5c8ce8cd7bd2d9f34186",
    },
    "MintableERC20Predicate": {
        "ExitedMintableERC20": "42315cb7471194a6f162099cd1052b95b750612a46472e887f7784b95aa2c4c3",
        "LockedMintableERC20": "31472eae9e158460fea5622d1fcb0c5bdc65b6ffb51827f7bc9ef5788410c34c",
    },
    "MintableERC721Predicate": {
        "ExitedMintableERC721": "0a1edd9f5e13f957158280d34c46fe349a4e13cca2018c77d00cd2fd976f0438",
        "ExitedMintableERC721Batch": "da153ed03804f29148d587a5a11c3b527fb70951aff0fc91d8136f29552a9bde",
        "LockedMintableERC721": "e13244aa06bdc79480ed5fdc6ebe2bb37202fcdf33ecf45dc449f4201f3dc087",
        "LockedMintableERC721Batch": "db55e3a0ae817693fd7b07170d81eab0eb2c239f36fcecbc98b6b58ac5667e7a",
    },
    "MintableERC1155Predicate": {
        "ExitedBatchMintableERC1155": "e7010bac2c165ded2e5a79552903a18608392de6b9d93e582cd7eabc748861b5",
        "ExitedMintableERC1155": "385a7b5ded58cef3ec245cc104f90cd7086dfc6e47047df1046e2af956a3c009",
        "LockedBatchMintableERC1155": "1f512d82dee9e34be6d1fbe7e9eee79cb3185b84686ce1968a3e95f76fdb8c6a",
    },
    "ChildMintableERC721": {
        "Transfer": "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef",
        "WithdrawnBatch": "f871896b17e9cb7a64941c62c188a4f5c621b86800e3d15452ece01ce56073df",
    },
    "ChildERC1155": {
        "TransferBatch": "4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb",
        "TransferSingle": "c3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62",
    },
}


@pytest.mark.parametrize("name", SELECTORS)
def test_contract__functions_of_polygons__have_their_selectors(name: str) -> None:
    words = SELECTORS[name].split()
    wanted = dict(zip(words[1::2], words[::2], strict=True))
    found = {entry.signature: entry.selector.hex() for entry in artifact(name).entries("function")}
    assert wanted.items() <= found.items()


@pytest.mark.parametrize("name", TOPICS)
def test_contract__events_of_polygons__have_their_topics(name: str) -> None:
    found = {entry.name: entry.topic.hex() for entry in artifact(name).entries("event")}
    assert TOPICS[name].items() <= found.items()


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract__deployed__fits_the_code_limit(name: str) -> None:
    assert 0 < len(artifact(name).deployed_bytecode) <= CODE_BYTES_MAX


def test_artifacts__in_the_folder__are_the_contracts_and_nothing_else() -> None:
    assert {path.stem for path in (FOLDER / "artifacts").iterdir()} == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_artifact__as_committed__holds_no_path_of_a_machine_and_a_fixed_order(name: str) -> None:
    text = (FOLDER / "artifacts" / f"{name}.json").read_text()
    assert list(json.loads(text)) == ["contractName", "abi", "bytecode", "deployedBytecode"]
    assert "/work" not in text
    assert str(Path.home()) not in text


def test_package__dependencies__are_pinned_exactly_and_locked() -> None:
    package = json.loads((FOLDER / "package.json").read_text())
    lock = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    for name, version in package["dependencies"].items():
        assert lock[f"node_modules/{name}"]["version"] == version
    assert all("integrity" in entry for path, entry in lock.items() if path)


def test_loader__unknown_contract_or_function__is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        artifact("NoSuchContract")
    with pytest.raises(KeyError, match="0 functions named burn"):
        artifact("DemoToken").function("burn")


def test_loader__tuple_arguments__are_written_by_their_members() -> None:
    types = artifact("StakeManager").constructor_types()
    assert types == ("address", "address", "address", "(uint256,uint256,uint256,uint256,uint256)")
    assert artifact("StakeManager").function("validators").output_types == (
        "(uint256,uint256,uint256,uint256,uint256,address,address,uint8,uint256,uint256,uint256,uint256,uint256)",
    )
    assert artifact("DemoToken").constructor_types() == ()


def test_constructor_data__arguments_that_do_not_fit__are_refused() -> None:
    with pytest.raises(AbiError):
        constructor_data("ERC20Predicate", b"too short")
    with pytest.raises(AbiError):
        constructor_data("ERC20Predicate")
    with pytest.raises(AbiError):
        constructor_data("DemoToken", 1)
