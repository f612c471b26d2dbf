"""Trains the story model on the CPU.

    python train.py --vocab vocab.json --out main.pt --branch branch.pt
    python train.py --vocab vocab.json --out q4.pt --resume branch.pt --qat

The first run trains the model and, at the branch point, also writes a copy of
its whole state.  The second run continues from that copy to the same end, but
with its matrices rounded to Q4_0 going forward, for the Q4_0 file.

The work is shared by processes of one thread each, which average their
gradients once per step.  Threads inside PyTorch wait for each other after
every small product, and that makes them crawl on a machine that is not idle.
"""

import argparse
import ctypes
import math
import os
import tempfile
import time

import torch
import torch.distributed as dist

from data import batch, held_out
from model import Llama, Shape
from vocab import Vocab

WARM_UP = 400
FINAL_RATE = 0.01
# From here on rows are as long as the context, and here the Q4_0 run begins.
BRANCH = 0.85
SHORT_ROW, LONG_ROW = 384, 512
CHECK_STORIES = 200


def keep_memory():
    """Has the C library keep freed memory instead of giving it back.

    Every step needs the same large buffers; without this, half of the time
    goes into the kernel clearing the same pages again and again.
    """
    trim_threshold, mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    libc.mallopt(mmap_max, 0)
    libc.mallopt(trim_threshold, 2**31 - 1)


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
def evaluate(model, vocab):
    """Mean loss per token over held-out stories, one story at a time."""
    total, tokens = 0.0, 0
    for _, ids in held_out(vocab, CHECK_STORIES):
        total += model.loss(torch.tensor([ids])).item() * (len(ids) - 1)
        tokens += len(ids) - 1
    return total / tokens


class Training:
    """One of the processes; all of them hold the same weights at all times."""

    def __init__(self, rank, args):
        self.rank, self.args, self.step = rank, args, 0
        self.vocab = Vocab.load(args.vocab)
        torch.manual_seed(args.seed)
        self.model = Llama(Shape(vocab=len(self.vocab.tokens)))
        self.optimizer = make_optimizer(self.model, args.decay)
        if args.resume:
            self._load(args.resume)
        self.model.qat = args.qat
        self.gradients = self._share_gradients()
        self.loss = torch.compile(self.model.loss)

    def _share_gradients(self):
        """Lays all gradients into one vector, which is summed in one go."""
        flat = torch.zeros(self.model.parameter_count())
        at = 0
        for parameter in self.model.parameters():
            parameter.grad = flat[at : at + parameter.numel()].view_as(parameter)
            at += parameter.numel()
        return flat

    def _load(self, path):
        state = torch.load(path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]
        for name in ("steps", "batch", "rate", "decay"):
            setattr(self.args, name, state[name])

    def save(self, path):
        if self.rank == 0:
            args = self.args
            torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                        "step": self.step, "steps": args.steps, "batch": args.batch,
                        "rate": args.rate, "decay": args.decay}, path)

    def log(self, text):
        if self.rank == 0:
            print(f"step {self.step} {text}", flush=True)

    def run(self):
        args, start, smooth = self.args, time.time(), None
        branch = int(args.steps * BRANCH)
        self.log(f"of {args.steps}, {self.model.parameter_count()} parameters")
        while self.step < args.steps:
            if args.branch and self.step == branch:
                self.save(args.branch)
            loss = self.one_step(SHORT_ROW if self.step < branch else LONG_ROW)
            smooth = loss if smooth is None else 0.99 * smooth + 0.01 * loss
            self.step += 1
            if self.step % args.log == 0:
                self.log(f"loss {smooth:.4f} seconds {time.time() - start:.0f}")
            if self.rank == 0 and (self.step % args.check == 0 or self.step == args.steps):
                self.log(f"held-out {evaluate(self.model, self.vocab):.4f}")
                self.save(args.out)

    def one_step(self, length):
        rate = learning_rate(self.step, self.args.steps, self.args.rate)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Rows are as many tokens per step whatever their length.
        rows = self.args.batch * SHORT_ROW // length
        first = self.step * self.args.batch
        mine = range(first + self.rank, first + rows, self.args.processes)
        tokens = batch(self.vocab, mine, length + 1)
        with torch.autocast("cpu", torch.bfloat16):
            loss = self.loss(tokens) / self.args.processes
        loss.backward()
        dist.all_reduce(self.gradients)
        self.gradients.mul_(torch.clamp(1 / self.gradients.norm(), max=1.0))
        self.optimizer.step()
        self.gradients.zero_()
        return loss.item() * self.args.processes


def work(rank, args, meeting_point):
    keep_memory()
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{meeting_point}",
                            rank=rank, world_size=args.processes)
    Training(rank, args).run()
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--out", required=True, help="written at every check and at the end")
    parser.add_argument("--branch", help="where to keep the state at the branch point")
    parser.add_argument("--resume", help="state to continue from")
    parser.add_argument("--qat", action="store_true", help="round matrices to Q4_0 going forward")
    parser.add_argument("--steps", type=int, default=11000)
    parser.add_argument("--batch", type=int, default=8, help="rows per step")
    parser.add_argument("--rate", type=float, default=5e-3, help="peak learning rate")
    parser.add_argument("--decay", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--log", type=int, default=100)
    parser.add_argument("--check", type=int, default=1000)
    args = parser.parse_args()
    os.environ["THP_MEM_ALLOC_ENABLE"] = "1"  # large pages, for PyTorch in the workers
    with tempfile.TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(work, (args, os.path.join(folder, "meet")), args.processes)


if __name__ == "__main__":
    main()
