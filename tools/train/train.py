"""Trains the story model on the CPU.

    python train.py --vocab vocab.json --out main.pt --steps 36000 --branch branch.pt
    python train.py --vocab vocab.json --out q4.pt --resume branch.pt --qat

The first run trains the model and, at the branch point, also writes a copy of
its whole state.  The second run continues from that copy to the same end, but
with its matrices rounded to Q4_0 going forward, for the Q4_0 file.
"""

import argparse
import math
import time

import torch

from data import Rows, held_out
from model import Llama, Shape
from vocab import Vocab

WARM_UP = 400
FINAL_RATE = 0.01
# From here on rows are as long as the context, and here the Q4_0 run begins.
BRANCH = 0.85
SHORT_ROW, LONG_ROW = 384, 512


def learning_rate(step, steps, peak):
    if step < WARM_UP:
        return peak * (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return peak * (FINAL_RATE + (1 - FINAL_RATE) * 0.5 * (1 + math.cos(math.pi * done)))


def make_optimizer(model, decay):
    """Weight decay holds for the matrices, not for the norms."""
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": decay},
              {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), eps=1e-9, fused=True)


@torch.no_grad()
def evaluate(model, vocab, count=200):
    """Mean loss per token over held-out stories, one story at a time."""
    total, tokens = 0.0, 0
    for _, ids in held_out(vocab, count):
        total += model.loss(torch.tensor([ids])).item() * (len(ids) - 1)
        tokens += len(ids) - 1
    return total / tokens


class Training:
    def __init__(self, args):
        self.args = args
        self.vocab = Vocab.load(args.vocab)
        torch.manual_seed(args.seed)
        self.model = Llama(Shape(vocab=len(self.vocab.tokens)))
        self.optimizer = make_optimizer(self.model, args.decay)
        self.rows = Rows(self.vocab)
        self.step = 0
        if args.resume:
            self._load(args.resume)
        self.model.qat = args.qat
        self.loss = torch.compile(self.model.loss)

    def _load(self, path):
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.rows.next_story = state["step"], state["next_story"]
        for name in ("steps", "batch", "rate"):
            setattr(self.args, name, state[name])

    def save(self, path):
        args = self.args
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                    "step": self.step, "next_story": self.rows.next_story,
                    "steps": args.steps, "batch": args.batch, "rate": args.rate}, path)

    def run(self):
        args, start, smooth = self.args, time.time(), None
        branch = int(args.steps * BRANCH)
        print(f"{self.model.parameter_count()} parameters, {args.steps} steps", flush=True)
        while self.step < args.steps:
            if args.branch and self.step == branch:
                self.save(args.branch)
            loss = self.one_step(SHORT_ROW if self.step < branch else LONG_ROW)
            smooth = loss if smooth is None else 0.99 * smooth + 0.01 * loss
            self.step += 1
            if self.step % args.log == 0:
                print(f"step {self.step} loss {smooth:.4f} stories {self.rows.next_story} "
                      f"seconds {time.time() - start:.0f}", flush=True)
            if self.step % args.check == 0 or self.step == args.steps:
                print(f"step {self.step} held-out {evaluate(self.model, self.vocab):.4f}", flush=True)
        self.save(args.out)

    def one_step(self, length):
        rate = learning_rate(self.step, self.args.steps, self.args.rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Rows are as many tokens per step whatever their length.
        rows = self.args.batch * SHORT_ROW // length
        tokens = self.rows.batch(rows, length + 1)
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.loss(tokens)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--branch", help="where to keep the state at the branch point")
    parser.add_argument("--resume", help="state to continue from")
    parser.add_argument("--qat", action="store_true", help="round matrices to Q4_0 going forward")
    parser.add_argument("--steps", type=int, default=36000)
    parser.add_argument("--batch", type=int, default=8, help="rows per step")
    parser.add_argument("--rate", type=float, default=4e-3, help="peak learning rate")
    parser.add_argument("--decay", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=int, default=100)
    parser.add_argument("--check", type=int, default=2000)
    Training(parser.parse_args()).run()


if __name__ == "__main__":
    main()
