"""Who orders blocks: an engine drives the application by ABCI 2.0 and nothing else.

proto        ABCI's messages on the wire         application  the application behind that wire
convert      node.app's values as bytes         genesis      what an engine says at the start
wire_values  the parts that messages share       local        all validators in one process
"""
