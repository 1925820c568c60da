/** What the page says, from what the API says: pure functions, which Node.js tests too. */

/** @typedef {import("./page.js").Burn} Burn */
/** @typedef {import("./page.js").ToGo} ToGo */

/** The places on a burn's way, in order. */
export const STEPS = ["PENDING", "NOT_CHECKPOINTED", "READY", "EXITED"];

/** The native token's contract on Polygon's side chains; its unit is fixed. */
const NATIVE_TOKEN = "0x0000000000000000000000000000000000001010";
const COIN_DECIMALS = 18;

/** @type {Readonly<Record<string, string>>} */
const STATUSES = {
  NOT_FOUND: "Nothing to pay out was found",
  REORGED: "The side chain has dropped this transaction",
  PENDING: "Waiting for confirmations",
  NOT_CHECKPOINTED: "Waiting for a checkpoint",
  READY: "Ready to exit",
  EXITED: "Exit made",
};

/** @type {Readonly<Record<string, string>>} */
const ADVICE = {
  NOT_FOUND:
    "Check that the hash is that of the burn on the side chain, not of a transaction on the root chain. " +
    "If it was sent just now, wait: this page goes on looking.",
  REORGED:
    "Its block was replaced. It may be put into another block, or never: look into your wallet whether the tokens are " +
    "still there, and burn them again if they are. This page goes on looking.",
  PENDING: "Blocks are coming on top of the burn until it cannot be undone. Just wait.",
  NOT_CHECKPOINTED: "Validators write a checkpoint of the side chain to the root chain from time to time. Just wait.",
  READY: "Get the proof below, and send it to the contract that is named with it.",
  EXITED: "The contract on the root chain has taken the exit. It cannot be made again.",
};

/** @type {Readonly<Record<string, string>>} */
const KINDS = {
  ERC20: "Tokens (ERC-20)",
  ERC721: "NFT (ERC-721)",
  ERC721_METADATA: "NFT with metadata (ERC-721)",
  ERC721_BATCH: "Batch of NFTs (ERC-721)",
  ERC1155: "Tokens of one id (ERC-1155)",
  ERC1155_BATCH: "Tokens of several ids (ERC-1155)",
  CHAIN_EXIT: "Tokens of several ids (ERC-1155, ChainExit)",
  MESSAGE: "Message to the root chain",
  PLASMA_ERC20: "Tokens (ERC-20, Plasma)",
  PLASMA_ERC721: "NFT (ERC-721, Plasma)",
};

/** @type {Readonly<Record<string, string>>} */
const FAILURES = {
  NO_CONNECTION: "The proof server cannot be reached. Is there a connection?",
  CANNOT_TELL: "The proof server cannot read one of the chains now, so it says nothing rather than something wrong.",
  ENDPOINT_FALSE: "A node that the proof server reads from gave a false answer. No proof is made from it.",
  HISTORY_PRUNED: "The nodes that the proof server reads from no longer have this old block. Its operator must add one that has.",
  TOO_FAST: "Too many questions came from your address.",
  TOO_MANY_REQUESTS: "Too many questions came from your address.",
  BURNS_BUSY: "The proof server has as much to do as it takes on.",
  OVERLOADED: "The proof server has as much to do as it takes on.",
  TIMED_OUT: "The answer took too long.",
  BURN_NOT_READY: "There is no proof yet: the burn is not ready any more, or not known to be yet.",
  EXIT_REFUSED: "The proof holds, but the contract on the root chain refuses the exit.",
};

/**
 * @param {string} status
 * @returns {string}
 */
export function statusWords(status) {
  return STATUSES[status] ?? status;
}

/**
 * What to do, or that there is nothing to do.
 * @param {string} status
 * @returns {string}
 */
export function advice(status) {
  return ADVICE[status] ?? "";
}

/**
 * The server's own words, where a status has several causes.
 * @param {{status: string, text: string}} report
 * @returns {string}
 */
export function whatElse({ status, text }) {
  return STEPS.indexOf(status) > 0 ? "" : sentence(text);
}

/**
 * @param {string} kind
 * @returns {string}
 */
export function kindWords(kind) {
  return KINDS[kind] ?? kind;
}

/**
 * Why there is no answer, in plain words if the page has any, else in the server's, and when there may be one.
 * @param {{code: string, message: string, retry_s: number | null}} failure
 * @param {string} again what is done then: "Try again"
 * @returns {string}
 */
export function failureWords({ code, message, retry_s }, again) {
  const when = retry_s === null ? "" : ` ${again} in ${duration(retry_s)}.`;
  return `${FAILURES[code] ?? message}${when} (${code})`;
}

/**
 * A duration that is easy to say: two units at most, rounded down, and seconds only below ten minutes.
 * @param {number} total_s
 * @returns {string}
 */
export function duration(total_s) {
  const s = Math.max(0, Math.floor(total_s));
  const [days, hours, minutes] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];
  /** @type {[number, string][]} */
  const parts = [[days, "d"], [hours, "h"], [minutes, "min"], [s < 600 ? s % 60 : 0, "s"]];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) {
    return "0 s";
  }
  const said = parts.slice(first, first + 2).filter(([count]) => count > 0);
  return said.map(([count, unit]) => `${count} ${unit}`).join(" ");
}

/**
 * What a burn waits for, as of `passed_s` after the server said so.
 * @param {ToGo} toGo
 * @param {number} passed_s
 * @returns {{blocks: string, time: string}}
 */
export function waitWords(toGo, passed_s) {
  const blocks = [];
  if (toGo.confirmations > 0) {
    blocks.push(`${count(toGo.confirmations, "confirmation")} to go`);
  }
  if (toGo.blocks > 0) {
    blocks.push(`${count(toGo.blocks, "block")} until a checkpoint can hold it`);
  }
  return { blocks: sentence(blocks.join(", ") || "the next checkpoint can hold it"), time: timeWords(toGo, passed_s) };
}

/**
 * @param {ToGo} toGo
 * @param {number} passed_s
 * @returns {string}
 */
function timeWords(toGo, passed_s) {
  if (toGo.seconds === null || toGo.seconds_earliest === null || toGo.seconds_latest === null) {
    return "How long it takes is not known before the first checkpoint";
  }
  const [earliest, expected, latest] = [toGo.seconds_earliest, toGo.seconds, toGo.seconds_latest].map((s) => s - passed_s);
  if (latest <= 0) {
    return "Any moment now: it takes longer than checkpoints usually do";
  }
  const middle = expected > 0 ? `About ${duration(expected)} to go` : "Any moment now";
  if (duration(earliest) === duration(latest)) {
    return middle;
  }
  const from = earliest > 0 ? `between ${duration(earliest)} and ` : "at the latest in ";
  return `${middle} (${from}${duration(latest)})`;
}

/**
 * The words with a capital letter and a full stop.
 * @param {string} words
 * @returns {string}
 */
export function sentence(words) {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/**
 * "1 block", "1,024 blocks".
 * @param {number} number
 * @param {string} noun
 * @returns {string}
 */
export function count(number, noun) {
  return `${grouped(String(number))} ${noun}${number === 1 ? "" : "s"}`;
}

/**
 * A decimal string with commas; it may pass 2^53, so it never becomes a Number.
 * @param {string} decimal
 * @returns {string}
 */
export function grouped(decimal) {
  return decimal.replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * What a burn releases, a line for each id. How many decimals a token has is not known here, but for the native one.
 * @param {Burn} burn
 * @returns {string[]}
 */
export function releasedLines(burn) {
  const { ids, amounts } = burn;
  if (ids.length > 0) {
    return ids.map((id, index) => (amounts.length > 0 ? `${grouped(amounts[index])} of id ${id}` : `id ${id}`));
  }
  const condition = burn.token === NATIVE_TOKEN ? "" : " if the token has 18 decimals, as most have";
  return amounts.map((amount) => `${grouped(amount)} of its smallest unit: ${coins(amount)}${condition}`);
}

/**
 * An amount in whole coins of 18 decimals, exact.
 * @param {string} amount
 * @returns {string}
 */
function coins(amount) {
  const digits = amount.padStart(COIN_DECIMALS + 1, "0");
  const fraction = digits.slice(-COIN_DECIMALS).replace(/0+$/, "");
  return grouped(digits.slice(0, -COIN_DECIMALS)) + (fraction && `.${fraction}`);
}

/**
 * That one exit is for several burns; empty for a burn without twins.
 * @param {Burn} burn
 * @returns {string}
 */
export function twinWords(burn) {
  if (burn.twins.length === 0) {
    return "";
  }
  const others = burn.twins.map((index) => `log ${index}`).join(", ");
  return `The same tokens are told of by ${others} of this transaction too. One exit is for all: make only one of them.`;
}

/**
 * What comes after an exit was taken; empty if nothing does.
 * @param {string} exitFunction
 * @returns {string}
 */
export function afterWords(exitFunction) {
  const isPlasma = exitFunction.startsWith("startExitWithBurntTokens");
  return isPlasma ? "The exit has begun: it is paid after its waiting time, when somebody has WithdrawManager process it." : "";
}

/**
 * What an exit by this function does and who may make it.
 * @param {string} exitFunction
 * @returns {string}
 */
export function exitWords(exitFunction) {
  if (exitFunction.startsWith("startExitWithBurntTokens")) {
    return "Only the account that burnt may send it. It begins a Plasma exit: the tokens come after its waiting time.";
  }
  if (exitFunction.startsWith("receiveMessage")) {
    return "Any account may send it. The contract passes the message on; it pays no tokens by itself.";
  }
  return "Any account may send it; the tokens go to the one that burnt them.";
}
