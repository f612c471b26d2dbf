"""The network: a small Llama, in PyTorch, for training only.

The pairs that RoPE turns lie half a head apart here, because that is what the
CPU vectorises best; export.py puts the rows of q and k in llama.cpp's order.
"""

import dataclasses

import torch
import torch.nn.functional as F

BLOCK = 32  # weights per quantisation block of ggml


@dataclasses.dataclass(frozen=True)
class Shape:
    vocab: int = 1792
    dim: int = 128
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 352
    context: int = 512
    rope_base: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self):
        return self.dim // self.heads

    @property
    def kv_dim(self):
        return self.kv_heads * self.head_dim


def fake_q4_0(weight):
    """Rounds to Q4_0 going forward; the gradient passes as if it had not."""
    blocks = weight.detach().reshape(-1, BLOCK)
    at = blocks.abs().argmax(dim=1, keepdim=True)
    scale = blocks.gather(1, at) / -8
    inverse = torch.where(scale == 0, torch.zeros_like(scale), 1 / scale)
    levels = torch.clamp(torch.floor(blocks * inverse + 8.5), 0, 15)
    rounded = (levels - 8) * scale.to(torch.float16).to(weight.dtype)
    return weight + (rounded.reshape(weight.shape) - weight).detach()


def rope_tables(shape):
    half = torch.arange(0, shape.head_dim, 2) / shape.head_dim
    angles = torch.outer(torch.arange(shape.context), shape.rope_base ** -half)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """x: batch, heads, time, head_dim."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class Block(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        dim, kv_dim, ffn = shape.dim, shape.kv_dim, shape.ffn
        out_scale = 0.02 / (2 * shape.layers) ** 0.5
        self.attn_norm = torch.nn.Parameter(torch.ones(dim))
        self.ffn_norm = torch.nn.Parameter(torch.ones(dim))
        # Matrices that read the same input are kept as one: fewer, larger steps.
        self.qkv = torch.nn.Parameter(torch.randn(dim + 2 * kv_dim, dim) * 0.02)
        self.attn_output = torch.nn.Parameter(torch.randn(dim, dim) * out_scale)
        self.gate_up = torch.nn.Parameter(torch.randn(2 * ffn, dim) * 0.02)
        self.ffn_down = torch.nn.Parameter(torch.randn(dim, ffn) * out_scale)

    def forward(self, x, cos, sin, quantise):
        x = x + self._attend(self._norm(x, self.attn_norm), cos, sin, quantise)
        hidden = F.linear(self._norm(x, self.ffn_norm), quantise(self.gate_up))
        gate, up = hidden.chunk(2, dim=-1)
        return x + F.linear(F.silu(gate) * up, quantise(self.ffn_down))

    def _norm(self, x, weight):
        return F.rms_norm(x.float(), (self.shape.dim,), weight, self.shape.eps)

    def _attend(self, x, cos, sin, quantise):
        """Causal attention, written out: with rows this short, two batched
        products and a fused softmax beat the library's attention on CPUs."""
        s = self.shape
        batch, time, _ = x.shape
        group, rows = s.heads // s.kv_heads, batch * s.kv_heads
        qkv = F.linear(x, quantise(self.qkv))
        qkv = qkv.view(batch, time, s.heads + 2 * s.kv_heads, s.head_dim).transpose(1, 2)
        q, k, v = qkv.split((s.heads, s.kv_heads, s.kv_heads), dim=1)
        # The heads that share keys and values are stacked along time.
        q = rotate(q, cos, sin).to(v.dtype).reshape(rows, group * time, s.head_dim)
        k = rotate(k, cos, sin).to(v.dtype).reshape(rows, time, s.head_dim)
        v = v.reshape(rows, time, s.head_dim)
        scores = torch.bmm(q, k.transpose(1, 2)).view(rows, group, time, time)
        future = torch.full((time, time), float("-inf")).triu(1)
        weights = torch.softmax(scores.float() * s.head_dim**-0.5 + future, dim=-1)
        mixed = torch.bmm(weights.to(v.dtype).view(rows, group * time, time), v)
        mixed = mixed.view(batch, s.heads, time, s.head_dim).transpose(1, 2)
        return F.linear(mixed.reshape(batch, time, s.dim), quantise(self.attn_output))


class Llama(torch.nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = torch.nn.Parameter(torch.randn(shape.vocab, shape.dim) * 0.02)
        self.blocks = torch.nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = torch.nn.Parameter(torch.ones(shape.dim))
        self.qat = False
        cos, sin = rope_tables(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)

    def forward(self, tokens):
        """Logits of the next token at every place."""
        quantise = fake_q4_0 if self.qat else (lambda weight: weight)
        time = tokens.shape[1]
        cos, sin = self.cos[:time], self.sin[:time]
        x = F.embedding(tokens, self.token_embd)
        for block in self.blocks:
            x = block(x, cos, sin, quantise)
        x = F.rms_norm(x.float(), (self.shape.dim,), self.output_norm, self.shape.eps)
        return F.linear(x, self.token_embd)

    def loss(self, tokens):
        """Mean cross-entropy of tokens[:, 1:] given what comes before."""
        logits = self(tokens[:, :-1]).float()
        return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].reshape(-1))

    def parameter_count(self):
        return sum(parameter.numel() for parameter in self.parameters())
