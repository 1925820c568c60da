"""Make the protobuf stubs from the `.proto` files beside this one: `make proto`.

The output is committed, so that running the node needs neither protoc nor grpcio-tools. The stubs land beside their
sources and import one another by their place in this repository.
"""

import re
import sys
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc  # type: ignore[import-untyped]  # grpcio-tools ships no type stubs

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]


def generate(root: Path) -> int:
    """Write `*_pb2.py` and `*_pb2.pyi` of every `.proto` under `root`; the exit code is protoc's."""
    sources = sorted(str(path.relative_to(ROOT)) for path in HERE.glob("*.proto"))
    well_known = files("grpc_tools") / "_proto"
    code: int = protoc.main(
        ["protoc", f"-I{ROOT}", f"-I{well_known}", f"--python_out={root}", f"--pyi_out={root}", *sources]
    )
    for stub in (root / HERE.relative_to(ROOT)).glob("*_pb2.pyi"):
        stub.write_text(_with_type_arguments(stub.read_text(encoding="utf-8")), encoding="utf-8")
    return code


def _with_type_arguments(stub: str) -> str:
    # protoc writes bare `_Mapping`, which mypy --strict refuses.
    return re.sub(r"\b_Mapping\](?!\[)", "_Mapping[str, object]]", stub)


if __name__ == "__main__":
    sys.exit(generate(ROOT))
