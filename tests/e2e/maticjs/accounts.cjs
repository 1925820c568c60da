// An account on one chain as each plug-in wants it: ethers takes a wallet, web3 a provider that signs.
"use strict";

const { ethers } = require("ethers");

// Bor's headers end with London's fields. The devnet's go on to Prague's, and matic.js 3.9.2 refuses a header with those,
// where the plug-in passes on all that the node says, as web3's does.
const AFTER_LONDON = ["withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash"];

function asOfBor(block) {
  return block && Object.fromEntries(Object.entries(block).filter(([name]) => !AFTER_LONDON.includes(name)));
}

function wallet(url, key) {
  const provider = new ethers.providers.JsonRpcProvider(url);
  provider.pollingInterval = 200;
  return new ethers.Wallet(key, provider);
}

class SigningProvider {
  constructor(url, key) {
    this.wallet = wallet(url, key);
  }

  // As web3 1.x calls a provider, also for batches. Through JSON as on a wire, so that nothing undefined is left.
  send(payload, callback) {
    const asked = JSON.parse(JSON.stringify(payload));
    const all = Array.isArray(asked) ? Promise.all(asked.map((one) => this.answer(one))) : this.answer(asked);
    all.then((answer) => callback(null, answer), callback);
  }

  async answer({ id, method, params }) {
    try {
      return { jsonrpc: "2.0", id, result: await this.result(method, params) };
    } catch (error) {
      return { jsonrpc: "2.0", id, error: { code: -32000, message: error.message } };
    }
  }

  async result(method, params) {
    if (method === "eth_accounts") return [this.wallet.address];
    if (method === "eth_getBlockByNumber") return asOfBor(await this.wallet.provider.send(method, params));
    if (method !== "eth_sendTransaction") return this.wallet.provider.send(method, params);
    const { gas, type, chain, chainId, hardfork, ...fields } = params[0];
    const known = type === undefined ? {} : { type: Number(type) };
    const sent = await this.wallet.sendTransaction({ gasLimit: gas, ...fields, ...known });
    return sent.hash;
  }
}

module.exports = {
  ethers: wallet,
  web3: (url, key) => new SigningProvider(url, key),
};
