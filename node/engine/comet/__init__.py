"""CometBFT as the engine: one node process of it per validator, which calls our application over a unix socket.

engine         the child, the server, the signer and the mempool's door as one: what `sidewarden start` runs
server         the application's end of ABCI's socket protocol, over framing and sockets
process        the child `cometbft`: found, started, watched, stopped; build_info says which version a binary is
files          genesis.json and config.toml as CometBFT reads them; node_key, its name on the network
rpc            what CometBFT answers over its own socket; sight, what follows from that
remote_signer  signs votes for it, under the signing record; set_changes tells with which key
"""
