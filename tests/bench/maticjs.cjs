// The published matic.js as a process that builds exit payloads: for each transaction hash on a line of its input it
// writes a line of JSON, with the payload and the milliseconds that it took. Its settings are the first argument.
"use strict";

const { createInterface } = require("readline");
const { ethers } = require("ethers");
const { POSClient, use } = require("@maticnetwork/maticjs");

const settings = JSON.parse(process.argv[2]);
const { Web3ClientPlugin } = require("@maticnetwork/maticjs-" + settings.plugin);

const TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const PROVIDERS = { web3: (url) => url, ethers: (url) => new ethers.providers.JsonRpcProvider(url) };

async function main() {
  use(Web3ClientPlugin);
  const place = { provider: PROVIDERS[settings.plugin](settings.rpc), defaultConfig: {} };
  const client = new POSClient();
  await client.init({ network: "mainnet", version: "v1", parent: place, child: place });
  for await (const hash of createInterface({ input: process.stdin })) {
    const started = performance.now();
    const payload = await client.exitUtil.buildPayloadForExit(hash, TRANSFER, false);
    process.stdout.write(JSON.stringify({ milliseconds: performance.now() - started, payload }) + "\n");
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack || JSON.stringify(error)}\n`);
  process.exit(1);
});
