"""The burn service for a program that has two chains' RPC URLs and nothing else: no node, no database.

bridge        the door: `Bridge.connect`, then `burns`, `proof`, `watch`, `wait_until_ready`
near_head     a chain's last headers, brought up to date before a question
watching      when to look again, and what to wait for
exiting       the transaction that makes an exit: tried, priced, signed, sent
verification  an exit payload against a checkpoint's root, without any chain
arguments     hex text or bytes, as people have them
errors        why an exit was not made
"""
