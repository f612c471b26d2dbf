"""Loss of GGUF files on stories that training never met.

    python evaluate.py stories-f32.gguf stories-q8_0.gguf stories-q4_0.gguf

Every story is read on its own, from <s> to </s>.  The loss per token counts
</s>; the loss per byte is the same sum over the bytes of the plain text.
"""

import argparse
import math

import numpy as np
import torch

import gguf
from data import held_out
from model import Llama, Shape
from vocab import FIXED, Vocab


def halves(rows, heads):
    """Undoes export.interleave: the first members of all pairs come first."""
    count, width = rows.shape
    return rows.reshape(heads, count // heads // 2, 2, width).swapaxes(1, 2).reshape(count, width)


def load(path):
    """The file's weights, as they are after rounding, in the training model."""
    file = gguf.Reader(path)
    meta, w = file.metadata, file.tensors
    shape = Shape(
        vocab=meta["llama.vocab_size"], dim=meta["llama.embedding_length"],
        layers=meta["llama.block_count"], heads=meta["llama.attention.head_count"],
        kv_heads=meta["llama.attention.head_count_kv"],
        ffn=meta["llama.feed_forward_length"], context=meta["llama.context_length"])
    state = {"token_embd": w["token_embd.weight"], "output_norm": w["output_norm.weight"]}
    for at in range(shape.layers):
        def part(name):
            return w[f"blk.{at}.{name}.weight"]
        qkv = (halves(part("attn_q"), shape.heads), halves(part("attn_k"), shape.kv_heads),
               part("attn_v"))
        block = {"qkv": np.concatenate(qkv),
                 "gate_up": np.concatenate((part("ffn_gate"), part("ffn_up")))}
        for name in ("attn_norm", "attn_output", "ffn_norm", "ffn_down"):
            block[name] = part(name)
        state |= {f"blocks.{at}.{name}": array for name, array in block.items()}
    model = Llama(shape)
    model.load_state_dict({name: torch.tensor(array) for name, array in state.items()})
    return model, Vocab(meta["tokenizer.ggml.tokens"][FIXED:])


@torch.no_grad()
def losses(model, vocab, count):
    """Nats per token and nats per byte."""
    total, tokens, size = 0.0, 0, 0
    for text, ids in held_out(vocab, count):
        total += model.loss(torch.tensor([ids])).item() * (len(ids) - 1)
        tokens += len(ids) - 1
        size += len(text.encode())
    return total / tokens, total / size


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="+")
    parser.add_argument("--stories", type=int, default=1000)
    args = parser.parse_args()
    for path in args.models:
        per_token, per_byte = losses(*load(path), args.stories)
        print(f"{path}: {per_token:.4f} nats per token (perplexity {math.exp(per_token):.3f}), "
              f"{per_byte:.4f} nats or {per_byte / math.log(2):.4f} bits per byte")


if __name__ == "__main__":
    main()
