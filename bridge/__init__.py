"""Everything between two chains that needs no validator: bytes (codec), I/O with a chain (chain), burns (burns)."""
