/** One question to the API, and why it was not answered. */

/** Why there is no answer: the API's stable code and its words; `retry_s` is when to ask again, if it may help. */
export class Failure extends Error {
  /** @param {string} code @param {string} message @param {number | null} retry_s */
  constructor(code, message, retry_s) {
    super(message);
    this.code = code;
    this.retry_s = retry_s;
  }
}

const RETRY_S = 15;
/** Statuses after which the same question may be answered. */
const PASSING = [429, 502, 503, 504];

/**
 * Ask the API.
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<string>} JSON, as it came
 * @throws {Failure} or the signal's AbortError
 */
export async function ask(path, signal) {
  let response, body;
  try {
    response = await fetch(path, { signal, credentials: "omit" });
    body = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    throw new Failure("NO_CONNECTION", String(error), RETRY_S);
  }
  if (!response.ok || !isJson(body)) {
    throw failureOf(body, response.status, Number(response.headers.get("Retry-After")));
  }
  return body;
}

/** @param {string} body */
function isJson(body) {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

/**
 * The failure that an answer tells of. One in front of the API may answer with anything, so nothing is taken for granted.
 * @param {string} body
 * @param {number} status
 * @param {number} retryAfter_s
 * @returns {Failure}
 */
export function failureOf(body, status, retryAfter_s) {
  const retry_s = PASSING.includes(status) ? retryAfter_s || RETRY_S : null;
  try {
    const { code, message } = JSON.parse(body).error;
    return new Failure(String(code), String(message), retry_s);
  } catch {
    return new Failure(`HTTP ${status}`, "The proof server gave an answer that this page does not know.", retry_s);
  }
}
