// Loaded before a script (node -r): which of the installed matic.js the plug-ins get, and where the ABI store is, whose
// address is fixed in matic.js. The published files stay as they are. What matic.js fetches is noted in `fetched`.
"use strict";

const Module = require("module");
const fetch = require("node-fetch");

const PACKAGE = "@maticnetwork/maticjs";
const STORE = "https://static.polygon.technology/network/";

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return resolve.call(this, request === PACKAGE ? process.env.MATICJS : request, ...rest);
};

globalThis.fetched = [];
fetch.default = async (url, ...rest) => {
  const answer = await fetch(String(url).replace(STORE, process.env.ABI_STORE), ...rest);
  globalThis.fetched.push({ path: new URL(answer.url).pathname, status: answer.status });
  return answer;
};
