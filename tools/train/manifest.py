"""Writes models/manifest.json for the GGUF files beside it.

    python manifest.py ../../models
"""

import hashlib
import json
import math
import os
import sys

import gguf

COMMAND = ("python tools/train/export.py --vocab vocab.json --state {state} "
           "--type {type} --out models/{file}")
STATES = {"q8_0": "main.pt", "q4_0": "q4.pt"}
DEFAULT = "stories-q8_0.gguf"


def entry(folder, file):
    path = os.path.join(folder, file)
    kind = file.removesuffix(".gguf").rsplit("-", 1)[1]
    with open(path, "rb") as opened:
        digest = hashlib.sha256(opened.read()).hexdigest()
    reader = gguf.Reader(path)
    return {"file": file, "bytes": os.path.getsize(path), "sha256": digest,
            "licence": reader.metadata["general.license"],
            "parameters": sum(math.prod(t.shape) for t in reader.tensors.values()),
            "type": kind.upper(),
            "command": COMMAND.format(state=STATES[kind], type=kind, file=file)}


def main():
    folder = sys.argv[1]
    files = sorted(name for name in os.listdir(folder) if name.endswith(".gguf"))
    manifest = {"default": DEFAULT, "models": [entry(folder, file) for file in files]}
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf-8") as out:
        json.dump(manifest, out, indent=2)
        out.write("\n")


if __name__ == "__main__":
    main()
