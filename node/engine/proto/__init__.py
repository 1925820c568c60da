"""ABCI's messages: our `.proto` files and the stubs that `make proto` makes of them.

Importing this package refuses protobuf's pure-Python back end, which is twenty times slower: a block's worth of messages would
then take longer than the block.
"""

from google.protobuf.internal import api_implementation

if api_implementation.Type() == "python":
    raise ImportError(
        "protobuf runs on its pure-Python back end: unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, "
        "or reinstall protobuf from a wheel"
    )
