"""A server of burn proofs for anybody who waits for tokens; no validator is needed.

run           from its configuration to a process that ends by a signal
server        one server, wired: two kinds of chain, the burn service, and what it lacks
tail          the last headers of a chain;  preparing  the index of checkpoints, and ranges before they are asked for
application   the routes of `node.api` about burns;  numbers  its metrics
page_routes   its page, for people;  page/  the files of it

All that it keeps is a cache, so any number of them can stand behind a balancer and know nothing of each other.
"""
