"""The light client of our own network: `agreed` gives proven bytes their meaning, `session` begins and keeps the trust.

settings = LightSettings(node_urls, home, genesis, TrustRules())
checkpoint = await ask(settings, lambda state: state.checkpoint(0, None), SystemClock())
"""
