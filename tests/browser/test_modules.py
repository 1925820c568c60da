"""The page's pure modules, run by Node.js: call data against our own encoder, and what is said of numbers."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import node.proof_server
from bridge.burns.kinds import BurnKind
from bridge.burns.report import BurnStatus
from bridge.codec.abi import encode_call, selector
from bridge.codec.hexadecimal import to_hex

PAGE = Path(node.proof_server.__file__).with_name("page")
NODE = shutil.which("node")
PROGRAM = """
const [name, calls] = JSON.parse(require("fs").readFileSync(0, "utf8"));
import(name).then((module) => {
  const answer = ([what, ...given]) => typeof module[what] === "function" ? module[what](...given) : [...module[what]];
  console.log(JSON.stringify(calls.map(answer)));
});
"""
RUN_S = 20
HASH = "0x" + "ab" * 32
FUNCTIONS = ("exit(bytes)", "startExitWithBurntTokens(bytes)", "receiveMessage(bytes)")

pytestmark = [
    pytest.mark.clients,
    pytest.mark.skipif(NODE is None, reason="needs Node.js (Debian: apt-get install nodejs)"),
]


def called(module: str, *calls: tuple[object, ...]) -> list[object]:
    """What a module's functions return, or its constants hold; each call is a name with arguments."""
    # A data URL is a module in every Node.js; a file that ends in .js is one only where package.json says so.
    source = (PAGE / module).read_bytes().hex()
    url = "data:text/javascript," + "".join(f"%{source[at : at + 2]}" for at in range(0, len(source), 2))
    finished = subprocess.run(
        [str(NODE), "-e", PROGRAM],
        input=json.dumps([url, calls]),
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    answers: list[object] = json.loads(finished.stdout)
    return answers


def said(*calls: tuple[object, ...]) -> list[object]:
    """What wording.js says."""
    return called("wording.js", *calls)


def test_call_data__of_payloads_of_every_length__is_what_our_encoder_makes() -> None:
    payloads = [bytes(range(length)) for length in (0, 1, 31, 32, 33, 64, 255)] + [b"\xff" * 70_001]
    cases = [(function, payload) for function in FUNCTIONS for payload in payloads]
    made = called("encoding.js", *(("exitCallData", function, to_hex(payload)) for function, payload in cases))
    assert made == [to_hex(encode_call(function, payload)) for function, payload in cases]


def test_selectors__of_all_exit_functions__are_their_hashes() -> None:
    (selectors,) = called("encoding.js", ("SELECTORS",))
    assert selectors == [[function, selector(function).hex()] for function in FUNCTIONS]


def test_call_data__of_an_unknown_function_or_no_hex__is_none() -> None:
    cases = [("transfer(bytes)", "0x00"), ("exit(bytes)", "0x0"), ("exit(bytes)", "00"), ("exit(bytes)", "0xgg")]
    assert called("encoding.js", *(("exitCallData", *case) for case in cases)) == [None] * len(cases)


def test_shell_word__of_what_a_shell_would_run__is_the_placeholder() -> None:
    plain = ["0xc1", "root-0", "http://127.0.0.1:1317/"]
    unsafe = ["", None, "-x", "a b", "$(x)", "`x`", "a;b", "a\nb", "a'b", 'a"b', "a&b", "~"]
    words = called("encoding.js", *(("shellWord", text, "NAME") for text in (*plain, *unsafe)))
    assert words == plain + ["NAME"] * len(unsafe)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HASH, HASH),
        (f"  {HASH.upper()}\n", HASH),
        (HASH[2:], HASH),
        (f"https://scan.example/tx/{HASH}?a={HASH}#logs", HASH),
        (f"{HASH} {HASH.replace('ab', 'cd')}", None),
        (HASH[:-1], None),
        (f"{HASH}0", None),
        ("", None),
    ],
)
def test_hash__in_what_was_pasted__is_found_if_it_is_one(text: str, found: str | None) -> None:
    assert called("encoding.js", ("transactionHashIn", text)) == [found]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        *((-5, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (599, "9 min 59 s")),
        *(
            (600, "10 min"),
            (3_599, "59 min"),
            (3_600, "1 h"),
            (5_430, "1 h 30 min"),
            (90_000, "1 d 1 h"),
            (86_460, "1 d"),
        ),
    ],
)
def test_duration__of_seconds__has_two_units_at_most(seconds: float, words: str) -> None:
    assert said(("duration", seconds)) == [words]


def test_wait__as_time_passes__counts_down_with_its_error_bar() -> None:
    to_go = {"confirmations": 1, "blocks": 1024, "seconds": 700, "seconds_earliest": 60, "seconds_latest": 7200}
    waits = [("waitWords", to_go, passed_s) for passed_s in (0, 60, 700, 7200)]
    unknown = {"confirmations": 0, "blocks": 0, "seconds": None, "seconds_earliest": None, "seconds_latest": None}
    exact = {**unknown, "seconds": 5, "seconds_earliest": 5, "seconds_latest": 5}
    blocks = "1 confirmation to go, 1,024 blocks until a checkpoint can hold it."
    assert said(*waits, ("waitWords", unknown, 3), ("waitWords", exact, 2)) == [
        {"blocks": blocks, "time": "About 11 min to go (between 1 min and 2 h)"},
        {"blocks": blocks, "time": "About 10 min to go (at the latest in 1 h 59 min)"},
        {"blocks": blocks, "time": "Any moment now (at the latest in 1 h 48 min)"},
        {"blocks": blocks, "time": "Any moment now: it takes longer than checkpoints usually do"},
        {
            "blocks": "The next checkpoint can hold it.",
            "time": "How long it takes is not known before the first checkpoint",
        },
        {"blocks": "The next checkpoint can hold it.", "time": "About 3 s to go"},
    ]


@pytest.mark.parametrize(
    ("token", "amount", "words"),
    [
        ("0x70", "0", "0 of its smallest unit: 0 if the token has 18 decimals, as most have"),
        ("0x70", "1", "1 of its smallest unit: 0.000000000000000001 if the token has 18 decimals, as most have"),
        (
            "0x" + "00" * 18 + "1010",
            str(2**256 - 1),
            f"{2**256 - 1:,} of its smallest unit: {(2**256 - 1) // 10**18:,}.{(2**256 - 1) % 10**18}",
        ),
        ("0x" + "00" * 18 + "1010", str(25 * 10**17), "2,500,000,000,000,000,000 of its smallest unit: 2.5"),
    ],
)
def test_amount__of_tokens__is_exact_at_any_size(token: str, amount: str, words: str) -> None:
    burn = {"token": token, "ids": [], "amounts": [amount], "twins": []}
    assert said(("releasedLines", burn)) == [[words]]


def test_words__for_every_kind_and_status__are_there() -> None:
    kinds = said(*(("kindWords", kind) for kind in BurnKind))
    statuses = said(*(("statusWords", status) for status in BurnStatus))
    advice = said(*(("advice", status) for status in BurnStatus))
    assert all(" " in str(words) for words in (*kinds, *statuses, *advice))


def test_page__altogether__is_small() -> None:
    assert sum(len(path.read_bytes()) for path in PAGE.iterdir()) < 64 * 1024
