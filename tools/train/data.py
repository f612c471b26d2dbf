"""Token rows for training, made on the fly: no story is ever seen twice."""

import torch

from stories import HELD_OUT, story
from vocab import BOS, EOS

# Room in the numbering of stories for each row; a row never needs so many.
STORIES_PER_ROW = 8


def row(vocab, index, length):
    """Row number `index`: <s> story </s> <s> story ... cut at `length`.

    Every row begins with the beginning of a story, as generation does.  What
    is cut off at its end is not used, since new stories cost almost nothing.
    """
    tokens = []
    for number in range(index * STORIES_PER_ROW, (index + 1) * STORIES_PER_ROW):
        if len(tokens) >= length:
            break
        tokens += [BOS, *vocab.encode(story(number)), EOS]
    return tokens[:length]


def batch(vocab, indices, length):
    return torch.tensor([row(vocab, index, length) for index in indices])


def held_out(vocab, count):
    """Stories that training never meets: text and tokens of each."""
    for number in range(HELD_OUT, HELD_OUT + count):
        text = story(number)
        yield text, [BOS, *vocab.encode(text), EOS]
