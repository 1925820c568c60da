// A user's way through the bridge with the published matic.js: burn, wait, exit in both ways, deposit again.
// Takes its settings as JSON in the first argument, and writes what it saw as JSON. It judges nothing: the test does.
"use strict";

const accounts = require("./accounts.cjs");
const { POSClient, setProofApi, use } = require("@maticnetwork/maticjs");

const settings = JSON.parse(process.argv[2]);
const { Web3ClientPlugin } = require("@maticnetwork/maticjs-" + settings.plugin);

const TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const LEGACY = { type: settings.plugin === "ethers" ? 0 : "0x0", gasPrice: "3000000000" };
const LOOK_EVERY_MS = 500;

async function opened() {
  use(Web3ClientPlugin);
  setProofApi(settings.proofApi);
  const place = ({ rpc }) => ({
    provider: accounts[settings.plugin](rpc, settings.key),
    defaultConfig: { from: settings.address },
  });
  const client = new POSClient();
  await client.init({
    network: settings.network,
    version: settings.version,
    parent: place(settings.root),
    child: place(settings.side),
  });
  return client;
}

async function until(happened) {
  while (!(await happened())) await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

async function mined(sending) {
  const sent = await sending;
  const [hash, receipt] = await Promise.all([sent.getTransactionHash(), sent.getReceipt()]);
  return { hash, status: Number(receipt.status) };
}

const orRefusal = (asked) => asked.then((value) => ({ value }), (error) => ({ refusal: String(error.message || error) }));

// Whether the proof API has it: else matic.js builds the payload itself, and says nothing.
async function served(hash, signature) {
  const network = settings.version === "v1" ? "matic" : settings.version;
  const url = `${settings.proofApi}/api/v1/${network}/exit-payload/${hash}?eventSignature=${signature}`;
  return (await globalThis.fetch(url)).ok;
}

async function erc20(client) {
  const { root, side, amount } = settings.tokens.erc20;
  const parent = client.erc20(root, true);
  const child = client.erc20(side);
  const seen = { burn: await mined(child.withdrawStart(amount)), legacyBurn: await mined(child.withdrawStart(amount, LEGACY)) };
  const { hash } = seen.burn;
  const legacy = seen.legacyBurn.hash;
  seen.early = await orRefusal(client.exitUtil.buildPayloadForExit(legacy, TRANSFER, false));
  await until(() => client.isCheckPointed(legacy));
  seen.own = await orRefusal(client.exitUtil.buildPayloadForExit(hash, TRANSFER, false));
  seen.ownOfLegacy = await orRefusal(client.exitUtil.buildPayloadForExit(legacy, TRANSFER, false));
  await until(() => served(legacy, TRANSFER));
  seen.fast = await orRefusal(client.exitUtil.buildPayloadForExit(hash, TRANSFER, true));
  seen.every = await orRefusal(client.exitUtil.buildMultiplePayloadsForExit(hash, TRANSFER, true));
  seen.exitedBefore = await parent.isWithdrawExited(hash);
  seen.balanceBefore = await parent.getBalance(settings.address);
  seen.exit = await mined(parent.withdrawExit(hash));
  seen.fasterExit = await mined(parent.withdrawExitFaster(legacy));
  seen.exitedAfter = await orRefusal(parent.isWithdrawExited(hash));
  seen.exitedAfterOfLegacy = await orRefusal(parent.isWithdrawExited(legacy));
  seen.again = await orRefusal(mined(parent.withdrawExit(hash)));
  seen.balanceAfter = await parent.getBalance(settings.address);
  seen.approval = await mined(parent.approve(amount));
  const before = BigInt(await child.getBalance(settings.address));
  seen.deposit = await mined(parent.deposit(amount, settings.address));
  await until(async () => BigInt(await child.getBalance(settings.address)) === before + BigInt(amount));
  return seen;
}

const KINDS = { erc20 };

async function main() {
  const client = await opened();
  const seen = {};
  for (const kind of Object.keys(settings.tokens)) seen[kind] = await KINDS[kind](client);
  return { ...seen, fetched: globalThis.fetched };
}

// Of a transaction that is refused, web3's plug-in leaves one promise to nobody. All that we ask for is awaited.
process.on("unhandledRejection", () => undefined);

main().then(
  (seen) => process.stdout.write(JSON.stringify(seen), () => process.exit(0)),
  (error) => {
    process.stderr.write(`${error.stack || JSON.stringify(error)}\n`);
    process.exit(1);
  },
);
