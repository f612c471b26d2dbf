"""Samples from a GGUF file with numpy, to check the files on their own.

    python sample.py stories-q8_0.gguf --seed 1 --prompt "Mia had a red kite."

Nothing here comes from the training code but the text segmentation, so the
order of RoPE pairs, the tensor names and the vocabulary are really tested.
"""

import argparse

import numpy as np

import gguf
from vocab import FIXED, Vocab


class Model:
    """A Llama that reads one token at a time, in 32-bit floats."""

    def __init__(self, path):
        file = gguf.Reader(path)
        meta, self.w = file.metadata, file.tensors
        self.vocab = Vocab(meta["tokenizer.ggml.tokens"][FIXED:])
        self.bos, self.eos = (meta[f"tokenizer.ggml.{name}_token_id"] for name in ("bos", "eos"))
        self.layers = meta["llama.block_count"]
        self.heads = meta["llama.attention.head_count"]
        self.kv_heads = meta["llama.attention.head_count_kv"]
        self.context = meta["llama.context_length"]
        self.eps = np.float32(meta["llama.attention.layer_norm_rms_epsilon"])
        rotated = meta["llama.rope.dimension_count"]
        rates = meta["llama.rope.freq_base"] ** -(np.arange(0, rotated, 2) / rotated)
        self.angles = np.outer(np.arange(self.context), rates).astype(np.float32)
        self.reset()

    def reset(self):
        self.keys = [[] for _ in range(self.layers)]
        self.values = [[] for _ in range(self.layers)]

    def norm(self, x, name):
        return x / np.sqrt(np.mean(x * x) + self.eps) * self.w[name]

    def rotate(self, x, heads, place):
        """Turns neighbouring pairs (2i, 2i+1) of each head."""
        pairs = x.reshape(heads, -1, 2)
        cos, sin = np.cos(self.angles[place]), np.sin(self.angles[place])
        a, b = pairs[..., 0], pairs[..., 1]
        return np.stack((a * cos - b * sin, a * sin + b * cos), axis=-1).reshape(heads, -1)

    def attend(self, x, at):
        layer, place = f"blk.{at}.", len(self.keys[at])
        q = self.rotate(self.w[layer + "attn_q.weight"] @ x, self.heads, place)
        self.keys[at].append(self.rotate(self.w[layer + "attn_k.weight"] @ x, self.kv_heads, place))
        self.values[at].append((self.w[layer + "attn_v.weight"] @ x).reshape(self.kv_heads, -1))
        keys, values = np.array(self.keys[at]), np.array(self.values[at])
        group = self.heads // self.kv_heads
        out = [softmax(keys[:, h // group] @ q[h] / np.sqrt(q.shape[1])) @ values[:, h // group]
               for h in range(self.heads)]
        return self.w[layer + "attn_output.weight"] @ np.concatenate(out)

    def step(self, token):
        """Feeds one token; returns the logits of the next."""
        x = self.w["token_embd.weight"][token]
        for at in range(self.layers):
            layer = f"blk.{at}."
            x = x + self.attend(self.norm(x, layer + "attn_norm.weight"), at)
            y = self.norm(x, layer + "ffn_norm.weight")
            gate = self.w[layer + "ffn_gate.weight"] @ y
            hidden = gate / (1 + np.exp(-gate)) * (self.w[layer + "ffn_up.weight"] @ y)
            x = x + self.w[layer + "ffn_down.weight"] @ hidden
        return self.w["token_embd.weight"] @ self.norm(x, "output_norm.weight")

    def generate(self, prompt, temperature, top_p, rng, limit=None):
        """Returns the ids of the prompt and its continuation, and if it ended."""
        self.reset()
        ids = self.vocab.encode(prompt) if prompt else []
        for token in [self.bos, *ids]:
            logits = self.step(token)
        while len(ids) < (limit or self.context) - 1:
            token = choose(logits, temperature, top_p, rng)
            if token == self.eos:
                return ids, True
            ids.append(token)
            logits = self.step(token)
        return ids, False


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def choose(logits, temperature, top_p, rng):
    if temperature == 0:
        return int(logits.argmax())
    p = softmax(logits / temperature)
    order = np.argsort(-p, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(p[order]), top_p)) + 1]
    return int(rng.choice(kept, p=p[kept] / p[kept].sum()))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--prompt", default="")
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="samples, with seeds from --seed on")
    args = parser.parse_args()
    model = Model(args.model)
    for seed in range(args.seed, args.seed + args.count):
        rng = np.random.default_rng(seed)
        ids, ended = model.generate(args.prompt, args.temperature, args.top_p, rng)
        print(f"--- seed {seed}\n{model.vocab.decode(ids)}{'' if ended else ' [cut]'}\n")


if __name__ == "__main__":
    main()
