"""Token rows for training, made on the fly: no story is ever seen twice."""

import torch

from stories import HELD_OUT, story
from vocab import BOS, EOS


class Rows:
    """Rows of tokens, each of which begins with the beginning of a story.

    A row is filled with <s> story </s> <s> story ... and cut at its end; what
    is cut off is not used, since new stories cost almost nothing.
    """

    def __init__(self, vocab, first=0):
        self.vocab, self.next_story = vocab, first

    def row(self, length):
        tokens = []
        while len(tokens) < length:
            tokens += [BOS, *self.vocab.encode(story(self.next_story)), EOS]
            self.next_story += 1
        return tokens[:length]

    def batch(self, rows, length):
        return torch.tensor([self.row(length) for _ in range(rows)])


def held_out(vocab, count):
    """Stories that training never meets: text and tokens of each."""
    for number in range(HELD_OUT, HELD_OUT + count):
        text = story(number)
        yield text, [BOS, *vocab.encode(text), EOS]
