"""Writes trained weights as GGUF files for llama.cpp and realizar.

    python export.py --vocab vocab.json --state main.pt --type q8_0 --out stories-q8_0.gguf
    python export.py --vocab vocab.json --state q4.pt --type q4_0 --out stories-q4_0.gguf
"""

import argparse

import numpy as np
import torch

import gguf
from model import Shape
from vocab import BOS, EOS, UNKNOWN, Vocab

TYPES = {"q8_0": gguf.Q8_0, "q4_0": gguf.Q4_0, "f32": gguf.F32}
FILE_TYPES = {"q8_0": 7, "q4_0": 2, "f32": 0}


def metadata(shape, vocab, type_name):
    return [
        ("general.architecture", "str", "llama"),
        ("general.name", "str", "realizar stories"),
        ("general.license", "str", "MIT"),
        ("general.file_type", "u32", FILE_TYPES[type_name]),
        ("general.quantization_version", "u32", 2),
        ("general.alignment", "u32", gguf.ALIGNMENT),
        ("llama.context_length", "u32", shape.context),
        ("llama.embedding_length", "u32", shape.dim),
        ("llama.block_count", "u32", shape.layers),
        ("llama.feed_forward_length", "u32", shape.ffn),
        ("llama.attention.head_count", "u32", shape.heads),
        ("llama.attention.head_count_kv", "u32", shape.kv_heads),
        ("llama.attention.layer_norm_rms_epsilon", "f32", shape.eps),
        ("llama.rope.dimension_count", "u32", shape.head_dim),
        ("llama.rope.freq_base", "f32", shape.rope_base),
        ("llama.vocab_size", "u32", shape.vocab),
        ("tokenizer.ggml.model", "str", "llama"),
        ("tokenizer.ggml.pre", "str", "default"),
        ("tokenizer.ggml.tokens", "[str]", vocab.tokens),
        ("tokenizer.ggml.scores", "[f32]", vocab.scores),
        ("tokenizer.ggml.token_type", "[i32]", vocab.types),
        ("tokenizer.ggml.bos_token_id", "u32", BOS),
        ("tokenizer.ggml.eos_token_id", "u32", EOS),
        ("tokenizer.ggml.unknown_token_id", "u32", UNKNOWN),
        ("tokenizer.ggml.add_bos_token", "bool", True),
        ("tokenizer.ggml.add_eos_token", "bool", False),
        ("tokenizer.ggml.add_space_prefix", "bool", True),
    ]


def interleave(rows, heads):
    """Puts the two halves of each head in turns, as llama.cpp's RoPE has them."""
    count, width = rows.shape
    return rows.reshape(heads, 2, count // heads // 2, width).swapaxes(1, 2).reshape(count, width)


def named_tensors(state, shape):
    """Yields llama.cpp's names with the weights; vectors are the norms."""
    yield "token_embd.weight", state["token_embd"]
    for at in range(shape.layers):
        block = {name: state[f"blocks.{at}.{name}"] for name in (
            "attn_norm", "qkv", "attn_output", "ffn_norm", "gate_up", "ffn_down")}
        q, k, v = np.split(block["qkv"], (shape.dim, shape.dim + shape.kv_dim))
        gate, up = np.split(block["gate_up"], 2)
        parts = {
            "attn_norm": block["attn_norm"],
            "attn_q": interleave(q, shape.heads), "attn_k": interleave(k, shape.kv_heads),
            "attn_v": v, "attn_output": block["attn_output"],
            "ffn_norm": block["ffn_norm"], "ffn_gate": gate, "ffn_up": up,
            "ffn_down": block["ffn_down"],
        }
        for name, array in parts.items():
            yield f"blk.{at}.{name}.weight", array
    yield "output_norm.weight", state["output_norm"]


def tensor_type(name, array, wanted):
    """Norms stay exact; the embedding, which is also the output, is kept finer."""
    if array.ndim == 1:
        return gguf.F32
    if name == "token_embd.weight" and wanted == gguf.Q4_0:
        return gguf.Q8_0
    return wanted


def export(state_path, vocab, type_name, out):
    state = torch.load(state_path, weights_only=True)["model"]
    state = {name: value.float().numpy() for name, value in state.items()}
    shape = Shape(vocab=len(vocab.tokens))
    wanted = TYPES[type_name]
    tensors = [(name, array, tensor_type(name, array, wanted))
               for name, array in named_tensors(state, shape)]
    gguf.write(out, metadata(shape, vocab, type_name), tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--state", required=True)
    parser.add_argument("--type", choices=sorted(TYPES), required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    export(args.state, Vocab.load(args.vocab), args.type, args.out)


if __name__ == "__main__":
    main()
