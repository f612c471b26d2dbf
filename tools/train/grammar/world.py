"""Places, things, food, weather: what the stories happen in and with."""

# Where the hero lives; every phrase follows the verb "lived".
HOMES = {
    "land": """
by the [sea|sea|deep blue sea]
near the [sea|beach|harbor]
in a [small|little|quiet|sunny|busy|tiny] [village|village|town]
in a [small|little|quiet] [village|town] by the [sea|river|lake|woods]
at the edge of [the|a big|a dark|a green] forest
in the [forest|woods|big forest|green forest|deep forest]
deep in the [forest|woods|jungle]
near a [blue|small|quiet|big|deep] lake
on a [green|high|small|windy] hill
on top of a [green|high|small|windy] hill
in a [quiet|green|hidden|deep|warm] valley
by [a|the|a wide|a little] river
beside a [little|quiet|clear] [stream|pond]
in a big [city|city|garden|meadow|field]
in a [tall|yellow|red|small|tiny|little|cozy] house [|near the park|by the road|on the hill|at the end of the road]
on a [small|big|busy|quiet] farm
on a [small|green|tiny|far] island
under an old [oak|apple|willow] tree
behind [the|an] old [mill|barn|school]
in the [mountains|high mountains|blue mountains]
in a land of [snow|snow and ice|hills and lakes]
next to [a|the] [big castle|old castle|bakery|market|school|library]
in a garden full of [flowers|roses|apple trees]
in the [jungle|warm jungle|green jungle]
in a [far away|faraway] land
far [away|away in the hills|away behind the mountains]
behind the [seven|blue|high] [hills|mountains]
in a [hollow tree|small hut|wooden hut|little cottage] [in the woods|by the river|near the road]
in a lighthouse by the sea
near the [old bridge|railway|big road|windmill]
""",
    "water": """
in the [sea|deep sea|deep blue sea|warm sea|big ocean|cold sea]
at the bottom of the [sea|ocean]
in a [quiet|blue|small|rocky] bay
near a [red|pretty|big|bright] reef
in a [clear|quiet|small] [lake|pond]
under the waves
next to [an old|a sunken] ship
in a garden of [sea grass|sea weed|shells]
""",
    "toy": """
in a [big|red|wooden|dusty] toy box
on a [high|dusty|wooden] shelf
in a [small|little|quiet] toy shop
in a child's room
in an old [attic|trunk|house]
in the window of a shop
under a small bed
""",
    "sky": """
high [up|] in the sky
high above the [hills|sea|town|mountains]
in the [big blue|wide blue|quiet night] sky
above a [small|little|green] [town|village|valley|island]
far above the [clouds|world|houses]
""",
}

# Places for outings: with the words for being there and for going there.
OUTINGS = {
    "land": """
in|to|the [forest|woods|meadow|park|garden|orchard|valley|village|market|castle|old barn|big cave]
at|to|the [market|lake|river|pond|beach|old mill|old bridge|playground|harbor|waterfall|old well|fair]
on|to|the [hill|beach|high hill|bridge|old road|farm|playground|river bank]
by|to|the [sea|river|lake|pond|waterfall|old oak tree|big rock|railway]
""",
    "water": """
in|to|the [sea weed forest|dark cave|bay|coral garden|sunken ship]
at|to|the [reef|red reef|big rock|old anchor|edge of the deep]
by|to|the [reef|big rock|old wreck|sea weed forest|shell garden]
""",
    "toy": """
in|to|the [kitchen|garden|attic|playroom|hall|big closet]
on|to|the [top shelf|stairs|window sill|rug|big table]
under|to|the [bed|table|piano|sofa|stairs]
""",
    "sky": """
above|to|the [sea|forest|town|mountains|valley|lake|desert|castle]
over|to|the [hills|sea|fields|city|river|islands]
""",
}

WORLD_OF = {
    "animal": "land", "child": "land", "adult": "land", "machine": "land",
    "magic": "land", "water": "water", "toy": "toy", "sky": "sky",
}

# Small belongings: colour and stuff words go before them freely.
COLORS = "red blue green yellow white black pink purple orange golden silver brown gray".split()
LOOKS = """little small big new old shiny pretty soft wooden tiny lovely striped
round bright favorite special beautiful funny long""".split()

# How a thing can be lost decides how it can be found again.
THINGS = {
    "light": """kite hat scarf balloon feather ribbon map umbrella handkerchief
    flag cap paper plane letter picture pinwheel shawl""",
    "rolls": """ball marble coin button ring apple bead hoop pebble cup bell
    wheel thimble pearl drum pumpkin""",
    "floats": """boat toy boat raft shoe boot basket bucket bottle
    wooden spoon slipper toy ship""",
    "shiny": """ring bell key spoon button coin star whistle mirror brooch
    watch medal necklace crown thimble pin""",
    "plain": """drum book blanket pillow flute lantern teddy bear doll
    toy train mitten bag cup whistle box pencil notebook violin trumpet lamp
    brush sweater jacket clock teapot shell music box pot toy car puzzle wagon
    sled watering can guitar lunch box bicycle scooter telescope toy dinosaur
    paint box stick jar harp backpack broom chair fan candle glove coat
    belt sock bowl plate rope ladder hammer wheel kettle vase tambourine""",
}
MULTIWORD = ("paper plane", "toy boat", "wooden spoon", "toy ship", "teddy bear",
             "toy train", "music box", "toy car", "watering can", "lunch box",
             "toy dinosaur", "paint box")

# What somebody can carry in one hand and eat.
TREATS = """pie|cake|apple|pear|loaf of bread|jar of honey|bag of nuts|basket of berries|
pancake|cookie|bun|bowl of soup|piece of cheese|pumpkin|melon|bag of cherries|
pot of jam|carrot cake|honey cake|apple pie|basket of plums|sandwich|peach|
ginger cake|bag of biscuits|berry pie|muffin|pot of stew|sweet potato""".replace("\n", "").split("|")


def split_things(text):
    """Splits a list at blanks, keeping things of two words together."""
    text = " ".join(text.split())
    for words in MULTIWORD:
        text = text.replace(words, words.replace(" ", "_"))
    return [word.replace("_", " ") for word in text.split()]


THINGS = {loss: split_things(text) for loss, text in THINGS.items()}


class Thing:
    """An object with a look: `red kite`, `a red kite`, `the kite`."""

    def __init__(self, rng, noun, look=None, owner="his"):
        self.noun, self.owner = noun, owner
        self.mentioned = False
        self.look = look if look is not None else self._pick_look(rng)
        self.rng = rng

    @staticmethod
    def _pick_look(rng):
        roll = rng.random()
        if roll < 0.45:
            return rng.choice(COLORS)
        if roll < 0.75:
            return rng.choice(LOOKS)
        if roll < 0.92:
            return f"{rng.choice(LOOKS[:8])} {rng.choice(COLORS)}"
        return ""

    def field(self, field):
        full = f"{self.look} {self.noun}".strip()
        first, self.mentioned = not self.mentioned, True
        forms = {
            "": full,
            "n": self.noun,
            "a": f"a {full}",
            "the": f"the {self.rng.choice((full, self.noun))}",
            # "a kite" when it is new to the reader, "his kite" after that.
            "own": f"a {full}" if first else f"{self.owner} {full}",
        }
        return forms[field]


class Place:
    """A place for an outing: {q.in}, {q.to}, {q}."""

    def __init__(self, inside, towards, name):
        self.inside, self.towards, self.name = inside, towards, name

    def field(self, field):
        return {"": self.name, "in": f"{self.inside} {self.name}",
                "to": f"{self.towards} {self.name}"}[field]


def pick_outing(expander, world):
    """Chooses a place; its name is expanded once so that it stays the same."""
    line = expander.rng.choice(OUTINGS[world].strip().split("\n"))
    inside, towards, name = line.split("|", 2)
    return Place(inside, towards, expander.expand(name))


def pick_home(expander, world):
    return expander.expand(expander.rng.choice(HOMES[world].strip().split("\n")))
