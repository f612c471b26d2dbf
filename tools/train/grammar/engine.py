"""A small template language and the text clean-up that follows it.

A template is plain text with five special forms:

    [a|b|c]     one of the alternatives (they may be empty and may nest)
    {key}       a fact of the story, such as {h} (the hero) or {t.a} (a thing
                with its article); a capital first letter capitalises it
    <rule>      a shared phrase, looked up in the phrase table
    @key(text)  a speech by the person `key`; the text ends in . ! or ?
                (@key:verb(text) chooses the verb)
    \\n          a paragraph break
"""

import re
from functools import lru_cache

SPEECH_VERBS = {
    ".": ("said",),
    "?": ("asked",),
    "!": ("cried", "shouted", "called", "said"),
}


@lru_cache(maxsize=None)
def parse(template):
    """Turns a template into a tuple of nodes."""
    nodes, end = _parse_sequence(template, 0, "")
    if end != len(template):
        raise ValueError(f"unbalanced template: {template!r}")
    return nodes


def _parse_sequence(text, at, stops):
    """Parses until one of the characters in `stops`; returns nodes, position."""
    nodes, plain = [], []

    def flush():
        if plain:
            nodes.append(("text", "".join(plain)))
            plain.clear()

    while at < len(text) and text[at] not in stops:
        parsed = _parse_special(text, at)
        if parsed is None:
            plain.append(text[at])
            at += 1
        else:
            flush()
            node, at = parsed
            nodes.append(node)
    flush()
    return tuple(nodes), at


def _parse_special(text, at):
    """Parses one special form at `at`, or returns None for plain text."""
    char = text[at]
    if char == "[":
        return _parse_choice(text, at)
    if char == "{":
        end = text.index("}", at)
        return ("fact", text[at + 1 : end]), end + 1
    if char == "<":
        end = text.index(">", at)
        return ("rule", text[at + 1 : end]), end + 1
    if char == "@":
        start = text.index("(", at)
        nodes, end = _parse_sequence(text, start + 1, ")")
        if end == len(text):
            raise ValueError(f"speech without an end: {text!r}")
        return ("speech", text[at + 1 : start], nodes), end + 1
    if char in "]})>|":
        raise ValueError(f"stray {char!r} at {at} in {text!r}")
    return None


def _parse_choice(text, at):
    options = []
    while True:
        nodes, at = _parse_sequence(text, at + 1, "|]")
        options.append(nodes)
        if at == len(text):
            raise ValueError(f"choice without an end: {text!r}")
        if text[at] == "]":
            return ("choice", tuple(options)), at + 1


def capitalised(text):
    """Raises the first letter, leaving an opening quote where it is."""
    for index, char in enumerate(text):
        if char.isalpha():
            return text[:index] + char.upper() + text[index + 1 :]
        if char != '"':
            break
    return text


class Expander:
    """Expands templates with one story's facts and random generator."""

    def __init__(self, rng, facts, phrases):
        self.rng = rng
        self.facts = facts
        self.phrases = phrases

    def expand(self, template):
        return self._nodes(parse(template))

    def _nodes(self, nodes):
        return "".join(self._node(node) for node in nodes)

    def _node(self, node):
        kind = node[0]
        if kind == "text":
            return node[1]
        if kind == "choice":
            return self._nodes(self.rng.choice(node[1]))
        if kind == "fact":
            return self._fact(node[1])
        if kind == "rule":
            return self.expand(self.rng.choice(self.phrases[node[1]]))
        return self._speech(node[1], self._nodes(node[2]))

    def _fact(self, key):
        name, _, field = key.partition(".")
        value = self.facts[name.lower()]
        # A pronoun of the hero may be written {he} instead of {h.he}.
        if not isinstance(value, str):
            value = value.field(field.lower())
        elif field:
            raise KeyError(f"{key}: a plain text fact has no fields")
        else:
            # Facts may themselves hold choices and other facts.
            value = self.expand(value)
        return capitalised(value) if key[0].isupper() else value

    def _speech(self, key, words):
        """Lays out a speech in one of the usual orders of English prose."""
        words = capitalised(words.strip())
        key, _, chosen = key.partition(":")
        who = self._fact(key)

        def tag(mark):
            verb = chosen or self.rng.choice(SPEECH_VERBS[mark])
            return f"{who} {verb}" if key.endswith(".he") else f"{verb} {who}"

        first, rest = _split_first_sentence(words)
        style = self.rng.random()
        if style < 0.2:
            verb = "asked" if words[-1] == "?" else "said"
            return f'{capitalised(who)} {chosen or verb}, "{words}"'
        if rest and style < 0.8:
            return f'"{_before_tag(first)}" {tag(first[-1])}. "{rest}"'
        return f'"{_before_tag(words)}" {tag(words[-1])}.'


def _split_first_sentence(words):
    match = re.match(r"(.+?[.!?]) +(.+)", words)
    return (match.group(1), match.group(2)) if match else (words, "")


def _before_tag(words):
    """A full stop becomes a comma before `said ...`."""
    return words[:-1] + "," if words.endswith(".") else words


_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?!uni|use|one|eu|Uni|One)")
_SENTENCE = re.compile(r"(?<=[.!?] )([a-z])")
_DOUBLED = re.compile(r"\b(old|new|sweet|wooden|small|little|funny) \1\b")
# A sentence that ends in a quoted one needs no second full stop.
_MARKS = re.compile(r'([.!?]")[.!]')
_SPACES = re.compile(r" {2,}")


def tidy(text):
    """Repairs articles, spacing and capital letters of one paragraph."""
    text = _SPACES.sub(" ", text).strip()
    text = _MARKS.sub(r"\1", text)
    text = _DOUBLED.sub(r"\1", text)
    text = _ARTICLE.sub(r"\1n ", text)
    text = _SENTENCE.sub(lambda match: match.group(1).upper(), text)
    return capitalised(text)
