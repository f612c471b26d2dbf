"""Records what every kind of tokenizer.ggml.pre makes of some texts: tests/data/pre-kinds.json.

The vocabulary is trained here, on made-up text and without word boundaries, so that its tokens reach
over every place where a kind may or may not split. The ids come from Hugging Face tokenizers (pip
install tokenizers) with the same patterns under Oniguruma. Patterns are read from a dump of
src/pretok_kinds.c, one kind a line: names, flags, patterns in hex, separated by tabs.

    python tests/conformance/pre_kinds.py dump.txt tests/data/pre-kinds.json
"""
import json
import random
import re
import sys

from tokenizers import Regex, Tokenizer, models, trainers
from tokenizers import pre_tokenizers as pre

BITS = [
    "a", "ab", "abc", "foo", "A", "B", "Z", " ", "  ", "   ", "\n", "\r\n", "\t", "1", "22", "333", "4567",
    "1234567", "'s", "'S", "'ll", "'RE", "'", "don't", "é", "É", "ß", "ſ", "K", "一", "日本", "語", "ひらがな",
    "カタ", "한국어", "😀", "👩‍👩‍👧", "\u0301", "\u00a0", "\u3000", "…", "。", "，", "!", "?", "//", "/", "_",
    "-", "٣٤", "Ⅷ", "½", "²", "Привет", "МИР", "αβγ", "ไทย", "नमस्ते", "،", "ǅ", "ʰ", "ª", "\u200b", "xyz",
    "$", "+", "<=>", "^", "~", "|", "`", "(", ")", "[", "]", "{}", "#", "hello", " world", " The",
    "HelloWorld", " camelCase", "ABCdef", "'ve", "'M", " 'd",
]
IGNORE_MERGES = 1


def texts(n, most, seed):
    r = random.Random(seed)
    return ["".join(r.choice(BITS) for _ in range(r.randint(1, most))) for _ in range(n)]


def train():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre.ByteLevel(add_prefix_space=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=pre.ByteLevel.alphabet(),
                                  show_progress=False, max_token_length=12)
    t.train_from_iterator(texts(3000, 14, 1), trainer)
    model = json.loads(t.to_str())["model"]
    tokens = [k for k, _ in sorted(model["vocab"].items(), key=lambda x: x[1])]
    return tokens, [m.split(" ") if isinstance(m, str) else m for m in model["merges"]]


def unescape(pattern):
    """Oniguruma takes \\x{..} for bytes; characters stand for themselves there."""
    plain = re.sub(r"\\x\{([0-9a-f]+)\}", lambda m: chr(int(m[1], 16)), pattern)
    return plain.replace("LlamaHan", "Han")


def main():
    tokens, merges = train()
    ids = {t: i for i, t in enumerate(tokens)}
    samples = texts(48, 12, 2)
    kinds = {}
    for line in open(sys.argv[1], encoding="utf8"):
        names, flags, *patterns = line.rstrip("\n").split("\t")
        patterns = [bytes.fromhex(p).decode() for p in patterns]
        if "" in patterns:  # a step that is no pattern
            continue
        t = Tokenizer(models.BPE(vocab=ids, merges=[tuple(m) for m in merges],
                                 ignore_merges=bool(int(flags) & IGNORE_MERGES)))
        steps = [pre.Split(Regex(unescape(p)), "isolated") for p in patterns]
        t.pre_tokenizer = pre.Sequence(steps + [pre.ByteLevel(add_prefix_space=False, use_regex=False)])
        kinds[names] = [" ".join(map(str, t.encode(s).ids)) for s in samples]
    data = {"tokens": tokens, "merges": [" ".join(m) for m in merges], "texts": samples, "kinds": kinds}
    json.dump(data, open(sys.argv[2], "w", encoding="utf8"), ensure_ascii=False, indent=0)


main()
