/**
 * Follow a transaction's burns: changes come at once as server-sent events; what only counts down is asked for from time
 * to time. Where no stream can be had, a long poll takes its place.
 */

import { ask, Failure, failureOf } from "./asking.js";

const REFRESH_S = 15;
const LONG_POLL_S = 20;
const BETWEEN_POLLS_S = 1;

/** @typedef {import("./page.js").Report} Report */
/** @typedef {{show: (report: Report) => void, fail: (failure: Failure) => void, isMoving: () => boolean}} Watcher */

/**
 * Tell the watcher of every report and failure, until all is over.
 * @param {string} path of the burns
 * @param {Watcher} watcher `isMoving`: whether it shows something that changes by the mere passing of time
 * @param {AbortSignal} signal
 * @throws the signal's reason, when it comes in the middle of a question
 */
export async function follow(path, watcher, signal) {
  /** @type {EventSource | null} */ let stream = null;
  let version = "";
  let isOver = false;
  let isFailing = false;

  /** @param {string} json */
  function take(json) {
    /** @type {Report} */ const report = JSON.parse(json);
    version = report.version;
    isOver = report.status === "EXITED";
    isFailing = false;
    watcher.show(report);
    if (isOver) {
      stream?.close();
    }
  }

  /** @param {Failure} failure */
  function fail(failure) {
    isFailing = true;
    watcher.fail(failure);
  }

  signal.addEventListener("abort", () => stream?.close());
  while (!isOver && !signal.aborted) {
    if (stream === null || stream.readyState === EventSource.CLOSED) {
      stream = opened(`${path}/events`, take, fail);
    }
    let pause_s = REFRESH_S;
    const isStreaming = stream.readyState === EventSource.OPEN;
    if (!isStreaming || isFailing || watcher.isMoving()) {
      const waiting = isStreaming || version === "" ? "" : `?wait_s=${LONG_POLL_S}&unless=${version}`;
      try {
        take(await ask(path + waiting, signal));
        pause_s = stream.readyState === EventSource.CLOSED ? BETWEEN_POLLS_S : REFRESH_S;
      } catch (error) {
        if (!(error instanceof Failure)) {
          throw error;
        }
        fail(error);
        pause_s = error.retry_s ?? REFRESH_S;
      }
    }
    await pause(pause_s, signal);
  }
}

/**
 * @param {string} path
 * @param {(json: string) => void} take
 * @param {(failure: Failure) => void} fail
 * @returns {EventSource}
 */
function opened(path, take, fail) {
  const stream = new EventSource(path);
  stream.addEventListener("burn", (event) => take(event.data));
  // The server's own event has data; that of the same name which the browser makes when the stream breaks has none.
  stream.addEventListener("error", (event) => {
    if (event instanceof MessageEvent) {
      fail(failureOf(event.data, 503, REFRESH_S));
    }
  });
  return stream;
}

/**
 * @param {number} seconds
 * @param {AbortSignal} signal ends the pause early
 * @returns {Promise<void>}
 */
function pause(seconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, seconds * 1_000);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
