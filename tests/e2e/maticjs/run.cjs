// A user's way through the bridge with the published matic.js: burn, wait, exit in both ways, deposit again.
// Takes its settings as JSON in the first argument, and writes a line of JSON for each step, with what it saw. It judges
// nothing: the test does.
"use strict";

const accounts = require("./accounts.cjs");
const { POSClient, setProofApi, use } = require("@maticnetwork/maticjs");

const settings = JSON.parse(process.argv[2]);
const { Web3ClientPlugin } = require("@maticnetwork/maticjs-" + settings.plugin);

const TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
const TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62";
const TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb";
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
async function served(burn) {
  const answer = await globalThis.fetch(`${settings.proofApi}/sidewarden/v1/burns/${burn}`);
  return (await answer.json()).status === "READY";
}

// Each kind of token: what is burnt, and what is done once all burns are checkpointed and served.

const erc20 = {
  async burn(client, { side, amount }) {
    const child = client.erc20(side);
    return { burn: await mined(child.withdrawStart(amount)), legacyBurn: await mined(child.withdrawStart(amount, LEGACY)) };
  },

  async exit(client, { root, side, amount }, seen) {
    const [parent, child] = [client.erc20(root, true), client.erc20(side)];
    const [hash, legacy] = [seen.burn.hash, seen.legacyBurn.hash];
    seen.own = await built(client, hash, TRANSFER);
    seen.ownOfLegacy = await built(client, legacy, TRANSFER);
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
  },
};

const erc721 = {
  async burn(client, { side, ids: [first, ...others] }) {
    const child = client.erc721(side);
    await until(async () => (await child.getTokensCount(settings.address)) === 1 + others.length);
    return { burn: await mined(child.withdrawStart(first)), batch: await mined(child.withdrawStartMany(others)) };
  },

  async exit(client, { root, side, ids: [first, ...others] }, seen) {
    const [parent, child] = [client.erc721(root, true), client.erc721(side)];
    const [hash, batch] = [seen.burn.hash, seen.batch.hash];
    seen.own = await built(client, hash, TRANSFER);
    seen.ownOfBatch = [];
    for (const index of others.keys()) seen.ownOfBatch.push(await built(client, batch, TRANSFER, index));
    seen.every = await orRefusal(client.exitUtil.buildMultiplePayloadsForExit(batch, TRANSFER, true));
    seen.exit = await mined(parent.withdrawExitFaster(hash));
    seen.exited = await parent.isWithdrawExited(hash);
    seen.exitOfBatch = [];
    seen.exitedOfBatch = [];
    for (const index of others.keys()) {
      seen.exitOfBatch.push(await mined(parent.withdrawExitOnIndex(batch, index)));
      seen.exitedOfBatch.push(await parent.isWithdrawExitedOnIndex(batch, others.length - 1));
    }
    seen.held = await parent.getTokensCount(settings.address);
    seen.approval = await mined(parent.approve(first));
    seen.deposit = await mined(parent.deposit(first, settings.address));
    await until(async () => (await child.getTokensCount(settings.address)) === 1);
  },
};

const erc1155 = {
  async burn(client, { side, ids, amount }) {
    const child = client.erc1155(side);
    await until(async () => BigInt(await child.getBalance(settings.address, ids.at(-1))) > 0n);
    return {
      burn: await mined(child.withdrawStart(ids[0], amount)),
      batch: await mined(child.withdrawStartMany(ids, ids.map(() => amount))),
    };
  },

  async exit(client, { root, side, ids, amount }, seen) {
    const [parent, child] = [client.erc1155(root, true), client.erc1155(side)];
    const [hash, batch] = [seen.burn.hash, seen.batch.hash];
    seen.own = await built(client, hash, TRANSFER_SINGLE);
    seen.ownOfBatch = await built(client, batch, TRANSFER_BATCH);
    seen.exit = await mined(parent.withdrawExit(hash));
    seen.exited = [await parent.isWithdrawExited(hash), await parent.isWithdrawExitedMany(batch)];
    seen.exitOfBatch = await mined(parent.withdrawExitFasterMany(batch));
    seen.exitedOfBatch = await parent.isWithdrawExitedMany(batch);
    seen.balances = [];
    for (const id of ids) seen.balances.push(String(await parent.getBalance(settings.address, id)));
    seen.approval = await mined(parent.approveAll());
    const before = BigInt(await child.getBalance(settings.address, ids[0]));
    const one = { amount, tokenId: ids[0], userAddress: settings.address, data: "0x5465737445524331313535" };
    seen.deposit = await mined(parent.deposit(one));
    await until(async () => BigInt(await child.getBalance(settings.address, ids[0])) === before + BigInt(amount));
  },
};

const KINDS = { erc20, erc721, erc1155 };

const built = (client, burn, event, index) =>
  orRefusal(client.exitUtil.buildPayloadForExit(burn, event, false, index));

const tell = (step, seen) => process.stdout.write(`${JSON.stringify({ step, seen })}\n`);

async function main() {
  const client = await opened();
  const kinds = Object.entries(settings.tokens);
  const seen = {};
  for (const [kind, token] of kinds) seen[kind] = await KINDS[kind].burn(client, token);
  const last = Object.values(seen[kinds.at(-1)[0]]).at(-1).hash;
  const early = await built(client, last, TRANSFER);
  await until(() => client.isCheckPointed(last));
  await until(() => served(last));
  tell("checkpointed", { early });
  for (const [kind, token] of kinds) {
    await KINDS[kind].exit(client, token, seen[kind]);
    tell(kind, seen[kind]);
  }
  tell("end", { fetched: globalThis.fetched });
}

// Of a transaction that is refused, web3's plug-in leaves one promise to nobody. All that we ask for is awaited.
process.on("unhandledRejection", () => undefined);

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack || JSON.stringify(error)}\n`, () => process.exit(1));
  },
);
