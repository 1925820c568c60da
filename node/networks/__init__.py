"""Making a network: contracts on two chains, the genesis that is read from them, and a home for each validator.

deploy      our contracts and stakes, over the JSON-RPC of any two EVM chains
contracts   the file that names contracts which are there already
genesis     what the contracts say at a confirmed block
homes       keys and configuration of a validator
testnet     all of these, one after another: `sidewarden testnet`
join        a further node, which starts by state sync: `sidewarden join`
"""
