"""What a node says over HTTP: read-only, loopback by default, limited, and described by openapi.yaml.

server       the application, its layers of limits and errors, and its port
routes_*     watch (health, readiness, metrics), sidewarden (status, checkpoints), burns, heimdall
view         what the API needs of a node
archive      an index over the log of acknowledged checkpoints;  checkpoints  one of them with its signatures
metrics_table  every metric;  facts  what a scrape reads;  metrics  the registry
parameters, encoding, errors   one way to read input, to write JSON, to fail
"""
