"""Our own vocabulary: SentencePiece-style BPE with byte fallback.

    python vocab.py --out vocab.json --size 1536

The pieces are trained so that the encoder of llama.cpp for models of the kind
tokenizer.ggml.model = "llama" finds exactly the segmentation seen in training.
That encoder starts from single characters and keeps joining the neighbours
whose joined piece has the highest score, the leftmost first.  It knows nothing
of words, so every rule about words has to hold for the pieces themselves:

  * the space mark U+2581 only ever begins a piece,
  * letters are never joined with digits or punctuation marks, and digits are
    joined with nothing; a mark and a quote, as in `."`, may be joined,
  * before a capital letter the space mark is joined last, to the whole word,
    so that a name is cut the same way after a space, a quote or a line feed.
"""

import argparse
import collections
import heapq
import json
import re

from stories import stories

SPACE = "\u2581"
UNKNOWN, BOS, EOS, FIRST_BYTE = 0, 1, 2, 3
SPECIAL = ["<unk>", "<s>", "</s>"]
CHARACTERS = SPACE + "".join(chr(code) for code in range(33, 127))
FIXED = len(SPECIAL) + 256 + len(CHARACTERS)

# llama.cpp token types.
NORMAL, UNKNOWN_TYPE, CONTROL, BYTE = 1, 2, 3, 6

# Words, runs of marks, and line feeds: no piece reaches from one to the next.
_WORD = re.compile(f"{SPACE}?[A-Za-z]+|{SPACE}?[^A-Za-z{SPACE}\n]+|{SPACE}|\n")


def segment(text, ranks):
    """Cuts `text` into pieces as llama.cpp does; `ranks` gives join order."""
    parts = list(text)
    alive = [True] * len(parts)
    left = list(range(-1, len(parts) - 1))
    right = list(range(1, len(parts) + 1))
    heap = []

    def offer(at):
        other = right[at]
        if at >= 0 and other < len(parts):
            joined = parts[at] + parts[other]
            if joined in ranks:
                heapq.heappush(heap, (ranks[joined], at, other, joined))

    for at in range(len(parts) - 1):
        offer(at)
    while heap:
        _, at, other, joined = heapq.heappop(heap)
        # An entry is stale once either side has been joined with another.
        if not (alive[at] and alive[other]) or parts[at] + parts[other] != joined:
            continue
        parts[at], alive[other] = joined, False
        right[at] = right[other]
        if right[at] < len(parts):
            left[right[at]] = at
        offer(at)
        if left[at] >= 0:
            offer(left[at])
    return [part for part, live in zip(parts, alive) if live]


def may_join(joined, word):
    """Whether a pair inside `word` may become the piece `joined`."""
    if any(char.isdigit() for char in joined):
        return False
    body = joined.lstrip(SPACE)
    if joined[0] != SPACE or not body:
        return True
    return not body[0].isupper() or joined == word


class Trainer:
    """Counts neighbouring pieces over a word list and adds the best pair."""

    def __init__(self, counts):
        self.counts = counts
        self.ranks = {}
        self.pieces = {word: list(word) for word in counts}
        self.pairs = collections.Counter()
        self.words_with = collections.defaultdict(set)
        for word in counts:
            self._count(word, 1)

    def _count(self, word, sign):
        pieces = self.pieces[word]
        for a, b in zip(pieces, pieces[1:]):
            if may_join(a + b, word):
                self.pairs[a + b] += sign * self.counts[word]
                self.words_with[a + b].add(word)

    def add_best(self):
        """Adds the most frequent pair; ties are broken by the alphabet."""
        best = max(self.pairs, key=lambda piece: (self.pairs[piece], piece))
        self.ranks[best] = len(self.ranks)
        for word in self.words_with.pop(best):
            self._count(word, -1)
            self.pieces[word] = segment(word, self.ranks)
            self._count(word, 1)
        del self.pairs[best]
        return best


def word_counts(texts):
    counts = collections.Counter()
    for text in texts:
        for line in text.split("\n"):
            counts.update(_WORD.findall(line.replace(" ", SPACE)))
        # The dummy space goes in front of the first word of the text only.
        counts[_WORD.match(SPACE + text).group(0)] += 1
    return {word: count for word, count in counts.items() if len(word) > 1}


def train(texts, size):
    """Returns the joined pieces, in the order in which they were found."""
    trainer = Trainer(word_counts(texts))
    return [trainer.add_best() for _ in range(size - FIXED)]


class Vocab:
    """Ids, encoder and decoder for a list of joined pieces."""

    def __init__(self, joined):
        self.joined = list(joined)
        self.ranks = {piece: rank for rank, piece in enumerate(self.joined)}
        byte_names = [f"<0x{value:02X}>" for value in range(256)]
        self.tokens = SPECIAL + byte_names + list(CHARACTERS) + self.joined
        first = FIRST_BYTE + 256
        self.ids = {token: first + at for at, token in enumerate(self.tokens[first:])}
        self.scores = [0.0] * first + self._piece_scores()
        self.types = [UNKNOWN_TYPE, CONTROL, CONTROL] + [BYTE] * 256
        self.types += [NORMAL] * (len(self.tokens) - first)
        self._words = {}

    def _piece_scores(self):
        """Minus the rank; single characters come after all joined pieces."""
        joined = [-float(rank) for rank in range(len(self.joined))]
        last = -float(len(self.joined))
        return [last - at for at in range(len(CHARACTERS))] + joined

    def encode(self, text):
        """Ids of a text, without <s> and </s>, with the dummy space."""
        ids = []
        if not text:  # llama.cpp adds no dummy space to nothing
            return ids
        # No piece reaches over a word, so words can be cut one at a time.
        for word in _WORD.findall(SPACE + text.replace(" ", SPACE)):
            if word not in self._words:
                self._words[word] = self._encode_word(word)
            ids += self._words[word]
        return ids

    def _encode_word(self, word):
        ids = []
        for piece in segment(word, self.ranks):
            if piece in self.ids:
                ids.append(self.ids[piece])
            else:
                ids += [FIRST_BYTE + byte for byte in piece.encode()]
        return ids

    def decode(self, ids):
        out = bytearray()
        for token in ids:
            if token >= FIRST_BYTE + 256:
                out += self.tokens[token].replace(SPACE, " ").encode()
            elif token >= FIRST_BYTE:
                out.append(token - FIRST_BYTE)
        text = out.decode(errors="replace")
        return text[1:] if text.startswith(" ") else text

    def save(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"joined": self.joined}, file, ensure_ascii=True, indent=0)

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as file:
            return Vocab(json.load(file)["joined"])


def report(vocab, texts):
    tokens = [len(vocab.encode(text)) for text in texts]
    size = sum(len(text.encode()) for text in texts)
    print(f"{len(vocab.tokens)} tokens; {sum(tokens) / len(texts):.1f} tokens per story "
          f"(from {min(tokens)} to {max(tokens)}); {size / sum(tokens):.3f} bytes per token")
    used = {token for text in texts for token in vocab.encode(text)}
    print(f"{len(used)} tokens occur in these {len(texts)} stories")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("--size", type=int, default=1536)
    parser.add_argument("--stories", type=int, default=60000)
    args = parser.parse_args()
    if args.size % 32:
        parser.error("the size must be a multiple of 32")
    vocab = Vocab(train(stories(0, args.stories), args.size))
    vocab.save(args.out)
    report(vocab, list(stories(args.stories, 5000)))


if __name__ == "__main__":
    main()
