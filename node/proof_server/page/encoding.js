/** Hexadecimal and call data: pure functions, which Node.js tests too. */

/**
 * The first four bytes of the call data of each function that takes an exit: of keccak-256 of its signature.
 * @type {ReadonlyMap<string, string>}
 */
export const SELECTORS = new Map([
  ["exit(bytes)", "3805550f"],
  ["startExitWithBurntTokens(bytes)", "7c5264b4"],
  ["receiveMessage(bytes)", "f953cec7"],
]);

const WORD_DIGITS = 64;

/**
 * The transaction hash in what somebody pasted, be it a block explorer's link, in lower case with 0x.
 * @param {string} text
 * @returns {string | null} null where there is none, or more than one
 */
export function transactionHashIn(text) {
  const runs = text.match(/(?:0x)?[0-9a-f]+/gi) ?? [];
  const hashes = runs.map((run) => run.toLowerCase().replace(/^0x/, "")).filter((run) => run.length === WORD_DIGITS);
  const [first, second] = new Set(hashes);
  return first === undefined || second !== undefined ? null : `0x${first}`;
}

/**
 * How many bytes a 0x-string stands for.
 * @param {string} hex
 * @returns {number}
 */
export function byteLength(hex) {
  return (hex.length - 2) / 2;
}

/**
 * The call data of an exit: the selector, then one `bytes` argument as Solidity's ABI writes it (where it starts, how
 * long it is, and its bytes filled up to whole words).
 * @param {string} exitFunction such as "exit(bytes)"
 * @param {string} payload 0x-string of the exit payload
 * @returns {string | null} null for a function that this page does not know, or what is no 0x-string of whole bytes
 */
export function exitCallData(exitFunction, payload) {
  const selector = SELECTORS.get(exitFunction);
  if (selector === undefined || !/^0x(?:[0-9a-f]{2})*$/.test(payload)) {
    return null;
  }
  const digits = payload.slice(2);
  const padding = (WORD_DIGITS - (digits.length % WORD_DIGITS)) % WORD_DIGITS;
  return `0x${selector}${word(32)}${word(byteLength(payload))}${digits}${"0".repeat(padding)}`;
}

/**
 * A part of a command that is shown for a shell; what a shell could take for more than one plain word is left out.
 * @param {string | null} text
 * @param {string} placeholder what stands there instead
 * @returns {string}
 */
export function shellWord(text, placeholder) {
  return text !== null && /^[\w.:/][\w.:/-]*$/.test(text) ? text : placeholder;
}

/** @param {number} value */
function word(value) {
  return value.toString(16).padStart(WORD_DIGITS, "0");
}
