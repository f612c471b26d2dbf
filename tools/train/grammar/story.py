"""One story: who is in it, what is known so far, and how it is put together."""

from . import cast, names, openings, world
from .engine import Expander, tidy
from .phrases import PHRASES

GROUP_WEIGHTS = {
    "animal": 42, "child": 27, "adult": 7, "machine": 6, "magic": 7,
    "water": 5, "toy": 4, "sky": 3,
}


class Plot:
    """A plot skeleton.

    who     groups of heroes that fit
    setup   function that chooses the facts of the plot
    hooks   (past, present) pairs: what the opening says of the hero, told
            ("wanted to fly") and spoken by the hero ("want to fly") or ""
    scenes  tuples of alternatives; a first entry "?" makes a scene optional
    own     openings that also tell the first scene, which is then skipped
    pairs   the same for two children of whom only the names are told
    night   the story happens at night
    """

    def __init__(self, name, who, setup, hooks, scenes, own=(), pairs=(), night=False):
        self.name, self.who, self.setup = name, who.split(), setup
        self.hooks, self.scenes, self.own, self.night = hooks, scenes, own, night
        self.pairs = pairs


class Story:
    """The facts of one story and the helpers by which plots set them."""

    def __init__(self, rng, plot, group):
        self.rng, self.plot, self.group = rng, plot, group
        self.facts = {}
        self.phrases = dict(PHRASES)
        self.expander = Expander(rng, self.facts, self.phrases)
        self.world = world.WORLD_OF[group]
        self.hero = self._cast_hero()
        self.facts["home"] = world.pick_home(self.expander, self.world)
        self.facts["q"] = world.pick_outing(self.expander, self.world)
        self.facts["e"] = cast.make_elder(rng, self.hero)
        self.phrases["oneday"] = self.phrases["firstday"]
        self.phrases["once"] = [openings.ONCE]

    def _cast_hero(self):
        kind = self.rng.choice(cast.KINDS[self.group])
        if self.group == "machine" and self.rng.random() < 0.55:
            kind = cast.kind_named("robot")
        if self.group == "animal" and self.rng.random() < 0.03:
            noun = names.invented_noun(self.rng)
            kind = cast.Kind(f"{noun}|walked,ran|", "animal")
        hero = cast.Person(self.rng, kind)
        if self.rng.random() < 0.9:
            hero.give_name()
        self.facts["h"] = hero
        for form, key in zip(cast.PRONOUNS[hero.pronoun], ("he", "him", "his", "himself")):
            self.facts[key] = form
        return hero

    def say(self, **facts):
        """Sets plain facts; templates in them are expanded once, now."""
        for key, value in facts.items():
            plain = isinstance(value, str)
            self.facts[key] = self.expander.expand(value) if plain else value

    def pick(self, table):
        return self.rng.choice(table)

    def thing(self, nouns, key="t", look=None):
        owner = self.facts["his"]
        noun = self.pick(nouns)
        # A few made-up things keep the model from guessing at known ones.
        if look is None and self.rng.random() < 0.04:
            noun = names.invented_noun(self.rng)
        self.facts[key] = world.Thing(self.rng, noun, look, owner)
        return self.facts[key]

    def person(self, key="f", test=None, look=None, named=0.55, group=None):
        """Casts somebody of the hero's world, unlike everybody so far."""
        others = [p for p in self.facts.values() if isinstance(p, cast.Person)]
        taken = {other.kind.noun for other in others}

        def fitting(kinds):
            return [kind for kind in kinds
                    if kind.noun not in taken and (test is None or test(kind))]

        kind = self.pick(fitting(self._kinds_around(group)) or fitting(cast.KINDS["animal"]))
        # Children are never "old" or "wise", whatever a plot would like.
        person = cast.Person(self.rng, kind, look=None if kind.group == "child" else look)
        if self.rng.random() < named:
            person.give_name({other.name[0] for other in others if other.name})
        self.facts[key] = person
        return person

    def _kinds_around(self, group):
        if group:
            return cast.KINDS[group]
        if self.world != "land":
            return cast.KINDS[self.group]
        roll = self.rng.random()
        if roll < (0.4 if self.group == "child" else 0.04):
            return cast.KINDS["child"]
        if roll > 0.95:
            return cast.KINDS["magic"]
        return cast.KINDS["animal"]

    def text(self):
        """The whole story."""
        self.plot.setup(self)
        scenes = list(self.plot.scenes)
        own = self._own_openings()
        if own and self.rng.random() < 0.28:
            parts = [self.expander.expand(self.rng.choice(own))]
            scenes = scenes[1:]
        else:
            parts = [openings.write(self)]
        for scene in scenes:
            if scene[0] == "?":
                if self.rng.random() < 0.55:
                    continue
                scene = scene[1:]
            parts.append(self.expander.expand(self._choose(scene)))
        if self.rng.random() < 0.06:
            parts.append("The end.")
        return self._paragraphs(parts)

    def _choose(self, scene):
        """One of the alternatives, the shorter ones a little more often."""
        choice = self.rng.choice(scene)
        if self.rng.random() < 0.6:
            choice = min(choice, self.rng.choice(scene), key=len)
        return choice

    def _own_openings(self):
        """The plot's own openings; two children may come without their kinds."""
        pair = [self.hero, self.facts.get("f")]
        if self.plot.pairs and all(p.kind.group == "child" and p.name for p in pair):
            for person in pair:
                person.kind_known = False
            return self.plot.pairs
        return self.plot.own

    def _paragraphs(self, parts):
        """Joins the scenes, breaking the text where one scene may end."""
        text = parts[0]
        for part in parts[1:]:
            if part:
                text += ("\n" if self.rng.random() < 0.5 else " ") + part
        return "\n".join(tidy(line) for line in text.split("\n") if line.strip())
