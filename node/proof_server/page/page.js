/**
 * One transaction's burns, live: asked of the API, shown, and shown again at each change.
 *
 * What the API says may have been written by whoever burnt, so it only ever becomes text, never markup.
 *
 * @typedef {{confirmations: number, blocks: number, seconds: number | null, seconds_earliest: number | null,
 *   seconds_latest: number | null}} ToGo
 * @typedef {{root_chain: string, status: string, root_token: string | null, exit_contract: string | null,
 *   exit_function: string, to_go: ToGo | null, checkpoint: {header_id: number, start: number, end: number} | null,
 *   exit: {transaction_hash: string, block_number: number} | null}} BurnOnRoot
 * @typedef {{log_index: number, kind: string, token: string, burner: string | null, ids: string[], amounts: string[],
 *   data: string, twins: number[], status: string, root_chains: BurnOnRoot[]}} Burn
 * @typedef {{transaction_hash: string, version: string, status: string, text: string, block_number: number | null,
 *   block_time: number | null, to_go: ToGo | null, burns: Burn[], burns_left_out: number,
 *   judged_at: {root_chain: string, number: number, timestamp: number}[], warning: string | null}} Report
 * @typedef {{payload: string, root_chain: string, exit_contract: string | null, exit_function: string, simulated: boolean,
 *   warning: string | null}} Proof
 */

import { follow } from "./following.js";
import { ask, Failure } from "./asking.js";
import { byteLength, exitCallData, shellWord, transactionHashIn } from "./encoding.js";
import * as wording from "./wording.js";

const BURNS_PATH = "sidewarden/v1/burns/";
const LINES_MAX = 20;
const DATA_CHARACTERS_MAX = 200;
const TICK_MS = 1_000;
const NO_HASH = "This is no transaction hash. One has 0x and then 64 digits, of 0 to 9 and a to f.";

/** The element with this id. @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** What is shown now; `received_ms` is when the report came, for what counts down from it. */
const shown = {
  transaction: "",
  /** @type {Report | null} */ report: null,
  received_ms: 0,
  /** Cards by log index, so that a change elsewhere leaves an open proof alone. @type {Map<number, Card>} */
  cards: new Map(),
};
/** @typedef {{content: string, element: HTMLElement, waits: {toGo: (burn: Burn) => ToGo | null, row: HTMLElement}[]}} Card */

let stop = new AbortController();

/** For what fails because the person looks at something else by now. @param {AbortSignal} signal */
const unlessStopped = (signal) => (/** @type {unknown} */ error) => {
  if (!signal.aborted) {
    throw error;
  }
};

/** Look at what the address bar names, and go on looking. */
function start() {
  stop.abort();
  stop = new AbortController();
  const asked = new URLSearchParams(location.search).get("tx") ?? "";
  const transaction = transactionHashIn(asked);
  byId("hash").value = asked;
  say(byId("refusal"), asked && !transaction ? NO_HASH : "");
  clear();
  byId("answer").hidden = transaction === null;
  if (transaction !== null) {
    shown.transaction = transaction;
    const watcher = { show, fail, isMoving: () => shown.report?.to_go != null };
    follow(BURNS_PATH + transaction, watcher, stop.signal).catch(unlessStopped(stop.signal));
  }
}

/** Show nothing of what was shown. */
function clear() {
  shown.report = null;
  shown.cards.clear();
  for (const id of ["failure", "warning", "text", "wait", "blocks", "advice", "left-out", "judged"]) {
    say(byId(id), "");
  }
  say(byId("status"), "Looking…");
  byId("summary").dataset.status = "";
  byId("steps").hidden = true;
  byId("place").replaceChildren();
  byId("burns").replaceChildren();
}

/** @param {Failure} failure */
function fail(failure) {
  say(byId("failure"), wording.failureWords(failure, "Asking again"));
}

/** @param {Report} report */
function show(report) {
  const isChanged = shown.report?.version !== report.version;
  shown.report = report;
  shown.received_ms = performance.now();
  say(byId("failure"), "");
  say(byId("warning"), report.warning ?? "");
  if (isChanged) {
    showSummary(report);
    byId("burns").replaceChildren(...report.burns.map(cardOf));
  }
  const judged = report.judged_at.map((at) => `${at.root_chain} at block ${at.number} of ${localTime(at.timestamp)}`);
  say(byId("judged"), judged.length > 0 ? `As seen from ${judged.join(", ")}.` : "");
  tick();
}

/** @param {Report} report */
function showSummary(report) {
  byId("summary").dataset.status = report.status;
  say(byId("status"), wording.statusWords(report.status));
  say(byId("text"), wording.whatElse(report));
  say(byId("advice"), wording.advice(report.status));
  const step = wording.STEPS.indexOf(report.status) + 1;
  byId("steps").hidden = step === 0;
  [...byId("steps").children].forEach((item, index) => {
    item.classList.toggle("done", index < step);
    item.toggleAttribute("aria-current", index === step);
  });
  facts(byId("place"), [
    ["Transaction", shown.transaction],
    ["Block", report.block_number === null ? null : wording.grouped(String(report.block_number))],
    ["Burnt at", report.block_time === null ? null : localTime(report.block_time)],
  ]);
  const leftOut = report.burns_left_out;
  say(byId("left-out"), leftOut > 0 ? `${wording.count(leftOut, "more burn")} of this transaction are not shown.` : "");
}

/** The card of a burn: the one that is there, unless the burn has changed. @param {Burn} burn */
function cardOf(burn) {
  const content = JSON.stringify(burn, (key, value) => (key === "to_go" ? undefined : value));
  const held = shown.cards.get(burn.log_index);
  if (held?.content === content) {
    return held.element;
  }
  const element = cloned("burn-template").querySelector("article");
  say(element.querySelector("h3"), wording.kindWords(burn.kind));
  const lines = wording.releasedLines(burn);
  const rest = lines.length > LINES_MAX ? [`and ${lines.length - LINES_MAX} more`] : [];
  element.querySelector(".released").replaceChildren(...[...lines.slice(0, LINES_MAX), ...rest].map((line) => text("li", line)));
  say(element.querySelector(".twins"), wording.twinWords(burn));
  facts(element.querySelector("dl"), [
    [burn.kind === "MESSAGE" ? "Tunnel" : "Token", burn.token],
    ["Burnt by", burn.burner],
    ["Log of the receipt", String(burn.log_index)],
    [burn.kind === "MESSAGE" ? "Message" : "Data", burn.data === "0x" ? null : shortened(burn.data)],
  ]);
  const rows = burn.root_chains.map((onRoot) => rowOf(burn, onRoot));
  element.append(...rows);
  const waits = rows.map((row, index) => ({ row, toGo: (/** @type {Burn} */ now) => now.root_chains[index]?.to_go ?? null }));
  shown.cards.set(burn.log_index, { content, element, waits });
  return element;
}

/** One root chain that could pay the burn out. @param {Burn} burn @param {BurnOnRoot} onRoot */
function rowOf(burn, onRoot) {
  const row = cloned("root-template").querySelector("section");
  row.dataset.status = onRoot.status;
  say(row.querySelector("h4"), `${onRoot.root_chain}: ${wording.statusWords(onRoot.status)}`);
  const { checkpoint, exit } = onRoot;
  facts(row.querySelector("dl"), [
    ["Token there", onRoot.root_token],
    ["Checkpoint", checkpoint && `${checkpoint.header_id}, of blocks ${checkpoint.start} to ${checkpoint.end}`],
    ["Exit transaction", exit ? exit.transaction_hash : onRoot.status === "EXITED" ? "not known with certainty" : null],
    ["in block", exit && wording.grouped(String(exit.block_number))],
  ]);
  say(row.querySelector(".after"), onRoot.status === "EXITED" ? wording.afterWords(onRoot.exit_function) : "");
  const button = row.querySelector(".get");
  button.hidden = onRoot.status !== "READY";
  const query = new URLSearchParams({ log_index: String(burn.log_index), root_chain: onRoot.root_chain });
  const path = `${BURNS_PATH}${shown.transaction}/proof?${query}`;
  button.addEventListener("click", () => getProof(row, path, burn).catch(unlessStopped(stop.signal)));
  return row;
}

/** @param {HTMLElement} row @param {string} path @param {Burn} burn */
async function getProof(row, path, burn) {
  /** @type {any} */ const button = row.querySelector(".get");
  const problem = row.querySelector(".failure");
  button.disabled = true;
  say(problem, "");
  try {
    showProof(row.querySelector(".proof"), await ask(path, stop.signal), burn);
    button.hidden = true;
  } catch (failure) {
    if (!(failure instanceof Failure)) {
      throw failure;
    }
    say(problem, wording.failureWords(failure, "Try again"));
  } finally {
    button.disabled = false;
  }
}

/** @param {any} place @param {string} answer the API's own JSON @param {Burn} burn */
function showProof(place, answer, burn) {
  /** @type {Proof} */ const proof = JSON.parse(answer);
  const fragment = cloned("proof-template");
  const name = `exit-${shown.transaction}-${burn.log_index}`;
  const tried = proof.simulated ? " The contract was asked whether it would take the exit: yes." : "";
  say(fragment.querySelector(".size"), `The proof has ${wording.count(byteLength(proof.payload), "byte")}.${tried}`);
  say(fragment.querySelector(".rights"), wording.exitWords(proof.exit_function));
  facts(fragment.querySelector("dl"), [
    ["Contract", proof.exit_contract ?? "this server was not told its address"],
    ["Function", proof.exit_function],
    ["Warning", proof.warning],
  ]);
  offer(fragment.querySelector(".hex"), `${name}.hex`, "text/plain", proof.payload);
  offer(fragment.querySelector(".json"), `${name}.json`, "application/json", answer);
  const callData = exitCallData(proof.exit_function, proof.payload);
  fragment.querySelector(".call").hidden = callData === null;
  fragment.querySelector(".call-data").value = callData ?? "";
  const contract = shellWord(proof.exit_contract, "CONTRACT");
  const rpc = "ROOT_CHAIN_RPC";
  say(
    fragment.querySelector(".cast"),
    `cast send ${contract} "${proof.exit_function}" "$(cat ${name}.hex)" --rpc-url ${rpc} --interactive`,
  );
  say(
    fragment.querySelector(".sidewarden"),
    `sidewarden burn ${shown.transaction} --log-index ${burn.log_index} --root-chain ${shellWord(proof.root_chain, "NAME")} ` +
      `--api ${new URL(".", document.baseURI).href} --root-rpc ${rpc} --key-file KEY_FILE --send`,
  );
  const copy = fragment.querySelector(".copy");
  copy.hidden = navigator.clipboard === undefined;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(callData ?? "");
    say(copy, "Copied");
  });
  place.replaceChildren(fragment);
  place.hidden = false;
  place.querySelector(".size").focus();
}

/** Count down what is waited for. */
function tick() {
  const { report } = shown;
  if (report === null) {
    return;
  }
  const passed_s = (performance.now() - shown.received_ms) / 1_000;
  sayWait(byId("wait"), byId("blocks"), report.to_go, passed_s);
  const cards = report.burns.flatMap((burn) => shown.cards.get(burn.log_index)?.waits.map((wait) => ({ burn, ...wait })) ?? []);
  for (const { burn, row, toGo } of cards) {
    // A single row has nothing to say that the summary does not.
    sayWait(row.querySelector(".wait"), row.querySelector(".blocks"), cards.length > 1 ? toGo(burn) : null, passed_s);
  }
}

/** @param {Element | null} time @param {Element | null} blocks @param {ToGo | null} toGo @param {number} passed_s */
function sayWait(time, blocks, toGo, passed_s) {
  const words = toGo === null ? { time: "", blocks: "" } : wording.waitWords(toGo, passed_s);
  say(time, words.time);
  say(blocks, words.blocks);
}

/** Set an element's text; without any it is hidden. @param {any} element @param {string} words */
function say(element, words) {
  if (element.textContent !== words) {
    element.textContent = words;
  }
  element.hidden = words === "";
}

/** Names with their values; those without one are left out. @param {any} list @param {[string, string | null][]} pairs */
function facts(list, pairs) {
  list.replaceChildren(...pairs.flatMap(([name, value]) => (value === null ? [] : [text("dt", name), text("dd", value)])));
}

/** Make a link download this text. @param {any} link @param {string} name @param {string} type @param {string} content */
function offer(link, name, type, content) {
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
}

/** @param {string} tag @param {string} words */
function text(tag, words) {
  const element = document.createElement(tag);
  element.textContent = words;
  return element;
}

/** @param {string} id @returns {any} */
const cloned = (id) => byId(id).content.cloneNode(true);

/** @param {number} unix_s */
const localTime = (unix_s) => new Date(unix_s * 1_000).toLocaleString();

/** @param {string} data */
const shortened = (data) =>
  data.length <= DATA_CHARACTERS_MAX ? data : `${data.slice(0, DATA_CHARACTERS_MAX)}… (${wording.count(byteLength(data), "byte")})`;

byId("question").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  const typed = byId("hash").value.trim();
  history.pushState(null, "", typed === "" ? "." : `?${new URLSearchParams({ tx: transactionHashIn(typed) ?? typed })}`);
  start();
});
addEventListener("popstate", start);
setInterval(tick, TICK_MS);
start();
