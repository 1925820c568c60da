"""Reading from and writing to one EVM chain over JSON-RPC. Everything above is told what is proved, and nothing else.

rpc.py             several URLs as one: identity, budget, circuit breaker (endpoint.py: one URL; breaker.py: pure)
reader.py          typed reads (fields.py: one field; header_parsing.py: headers in bulk; sending.py: words of refusal;
                   claims.py: what comes without proof)
headers.py         a parent-linked, confirmed run of headers in a store (header_store.py)
feed.py            the steps of a root chain's feed, proved from those headers
outbox.py          transactions that must happen once (outbox_rules.py, fees.py: pure; outbox_store.py: what is kept)
clock.py           the clock that all of them are given
errors.py          everything expected that can go wrong
"""
