"""The people of the stories: kinds, looks, ways to move, pronouns."""

from . import names

# noun | ways to move | skills
# Skills: f flies, s swims, c climbs, d digs, b big, t tiny, l carries a light.
LAND_ANIMALS = """
fox|trotted,ran|d
rabbit|hopped|d
bunny|hopped|dt
hare|hopped,ran|
mouse|ran,hurried|tdc
rat|ran,hurried|dcs
hedgehog|shuffled,walked|t
squirrel|jumped,ran|ct
chipmunk|ran,jumped|ctd
badger|walked,marched|d
mole|shuffled,walked|dt
bear|walked,marched|bcs
bear cub|walked,ran|c
wolf|trotted,ran|b
deer|ran,walked|b
moose|walked,marched|bs
beaver|walked,waddled|s
otter|ran,slid|s
raccoon|walked,ran|c
skunk|walked,trotted|d
owl|flew,flapped|f
sparrow|flew,fluttered|ft
robin|flew,fluttered|ft
crow|flew,flapped|f
magpie|flew,flapped|f
woodpecker|flew,fluttered|f
parrot|flew,flapped|f
swan|swam,waddled|fs
duck|waddled|fs
duckling|waddled|st
goose|waddled,marched|fs
chicken|walked,ran|
hen|walked,ran|
rooster|marched,walked|
chick|ran,hopped|t
pig|trotted,walked|
piglet|trotted,ran|t
cow|walked,trotted|b
calf|walked,trotted|
horse|trotted,walked|b
pony|trotted,walked|b
donkey|trotted,walked|b
foal|trotted,ran|
goat|jumped,walked|c
sheep|walked,trotted|
lamb|jumped,ran|
dog|ran,trotted|ds
puppy|ran,trotted|dt
cat|walked,crept|c
kitten|ran,crept|ct
hamster|ran,hurried|t
frog|hopped,jumped|st
toad|hopped|t
turtle|crawled,walked|s
tortoise|crawled,walked|
snail|crawled,slid|tc
ant|marched,hurried|tcd
beetle|crawled,walked|tc
ladybug|flew,crawled|tf
bee|flew,buzzed|tf
butterfly|flew,fluttered|tf
caterpillar|crawled|tc
cricket|hopped,jumped|t
firefly|flew,fluttered|tfl
bat|flew,fluttered|f
lizard|ran,crawled|tc
snake|slid,crawled|cs
lion|walked,marched|b
lion cub|ran,jumped|
tiger|walked,crept|bs
elephant|walked,marched|bs
monkey|jumped,ran|c
giraffe|walked,ran|b
zebra|trotted,ran|b
hippo|walked,shuffled|bs
rhino|walked,marched|b
camel|walked,trotted|b
kangaroo|hopped,jumped|b
koala|walked,climbed|c
panda|walked,shuffled|bc
sloth|crawled,climbed|c
penguin|waddled|s
polar bear|walked,marched|bs
reindeer|trotted,ran|b
walrus|slid,shuffled|bs
llama|walked,trotted|b
ostrich|ran,marched|b
peacock|walked,marched|f
turkey|walked,ran|
crocodile|crawled,walked|bs
worm|crawled|td
spider|crawled,ran|tc
seagull|flew,flapped|f
stork|flew,walked|f
weasel|ran,crept|dt
ferret|ran,crept|dt
alpaca|walked,trotted|b
"""

WATER_ANIMALS = """
fish|swam|s
goldfish|swam|st
whale|swam|sb
dolphin|swam,jumped|s
octopus|swam,crawled|sc
crab|crawled,ran|sdt
sea horse|swam|st
starfish|crawled|st
seal|swam,slid|s
shark|swam|sb
jellyfish|floated|sl
sea turtle|swam|s
lobster|crawled|sc
eel|swam,slid|sl
squid|swam|s
mermaid|swam|s
clam|floated|st
"""

MAGIC_FOLK = """
dragon|flew,marched|fbl
unicorn|trotted,ran|b
fairy|flew,fluttered|ftl
elf|ran,walked|c
gnome|walked,marched|d
giant|walked,marched|b
troll|walked,marched|bd
ghost|floated|fl
wizard|walked,hurried|
witch|flew,walked|f
monster|walked,shuffled|b
dinosaur|walked,marched|b
yeti|walked,marched|b
snowman|shuffled,slid|
phoenix|flew,flapped|fl
goblin|ran,crept|d
"""

MACHINES = """
robot|rolled,walked|
train|rolled|b
tractor|rolled|b
truck|rolled|b
bus|rolled|b
car|rolled|
fire truck|rolled|b
digger|rolled|bd
steam engine|rolled|b
"""

TOYS = """
teddy bear|walked,ran|
doll|walked,ran|
toy soldier|marched|
toy robot|rolled,walked|
rag doll|walked,ran|
wooden horse|trotted|
toy train|rolled|
puppet|walked,jumped|
sock monkey|jumped,walked|
toy rabbit|hopped|
paper plane|flew|f
toy car|rolled|
wooden duck|rolled|s
music box dancer|danced|
toy elephant|walked,rolled|
"""

SKY_FOLK = """
cloud|floated,drifted|f
star|floated|fl
snowflake|floated,drifted|ft
raindrop|floated,slid|ft
breeze|blew,drifted|f
moonbeam|slid,drifted|fl
sunbeam|slid,danced|fl
balloon|floated,drifted|f
"""

CHILDREN = (("girl", "she"), ("boy", "he"))

# Grown-ups: noun | pronoun.
GROWN_UPS = """
king|he
queen|she
princess|she
prince|he
knight|he
baker|he
baker|she
fisherman|he
farmer|he
farmer|she
sailor|he
pirate|he
pirate|she
gardener|she
gardener|he
clown|he
painter|she
painter|he
shepherd|he
tailor|he
shoemaker|he
miller|he
captain|she
captain|he
old man|he
old woman|she
grandmother|she
grandfather|he
postman|he
teacher|she
doctor|she
cook|he
woodcutter|he
inventor|she
"""

LOOKS = {
    "animal": """little little little small small young tiny brave shy curious
    clever kind funny sleepy gentle cheerful busy quiet proud hungry friendly
    fluffy lonely happy merry playful clumsy careful dreamy lazy silly polite
    brown gray white black red spotted orange golden""".split(),
    "big": """big big huge gentle kind shy brave young proud clumsy sleepy
    hungry friendly lonely cheerful old strong funny careful gray brown
    curious playful silly""".split(),
    "child": """little little little little small young brave shy curious
    clever kind funny cheerful quiet dreamy polite happy careful busy playful
    """.split(),
    "adult": """old old kind poor lonely cheerful grumpy busy clever wise young
    sleepy brave gentle forgetful proud funny merry""".split(),
    "machine": """little small old rusty shiny blue red green yellow brave
    curious kind funny clumsy friendly lonely new silver helpful""".split(),
    "toy": """little small old brave shy curious kind funny soft worn happy
    lonely blue red brown quiet cheerful forgotten""".split(),
    "sky": """little little small tiny young gentle shy curious playful lonely
    white pink soft silver happy dreamy""".split(),
}

PRONOUNS = {
    "he": ("he", "him", "his", "himself"),
    "she": ("she", "her", "her", "herself"),
    "it": ("it", "it", "its", "itself"),
}


class Kind:
    """One line of the tables above."""

    def __init__(self, line, group):
        self.noun, moves, skills = line.split("|")
        self.moves = moves.split(",")
        self.skills = set(skills)
        self.group = group

    def __contains__(self, skill):
        return skill in self.skills


def _table(text, group):
    return [Kind(line, group) for line in text.strip().split("\n")]


def _people():
    child = [Kind(f"{noun}|ran,walked,skipped|c", "child") for noun, _ in CHILDREN]
    adult = []
    for line in GROWN_UPS.strip().split("\n"):
        noun, pronoun = line.split("|")
        kind = Kind(f"{noun}|walked,hurried|", "adult")
        kind.pronoun = pronoun
        adult.append(kind)
    for kind, (_, pronoun) in zip(child, CHILDREN):
        kind.pronoun = pronoun
    return child, adult


KINDS = {
    "animal": _table(LAND_ANIMALS, "animal"),
    "water": _table(WATER_ANIMALS, "water"),
    "magic": _table(MAGIC_FOLK, "magic"),
    "machine": _table(MACHINES, "machine"),
    "toy": _table(TOYS, "toy"),
    "sky": _table(SKY_FOLK, "sky"),
}
KINDS["child"], KINDS["adult"] = _people()

FEMALE = {"hen", "cow", "mermaid", "fairy", "witch", "music box dancer", "doll", "rag doll"}
MALE = {"rooster", "wizard", "toy soldier", "snowman", "giant"}


def kind_named(noun):
    for kinds in KINDS.values():
        for kind in kinds:
            if kind.noun == noun:
                return kind
    raise KeyError(noun)


def pick_pronoun(rng, kind):
    if hasattr(kind, "pronoun"):
        return kind.pronoun
    if kind.noun in FEMALE:
        return "she"
    if kind.noun in MALE:
        return "he"
    if kind.group in ("machine", "sky", "toy") and rng.random() < 0.2:
        return "it"
    return rng.choice(("he", "she"))


class Person:
    """Somebody in a story; `field` gives the forms that templates ask for."""

    def __init__(self, rng, kind, name=None, look=None):
        self.rng, self.kind, self.name = rng, kind, name
        self.pronoun = pick_pronoun(rng, kind)
        self.look = look or rng.choice(LOOKS[self._look_group()])
        self.move = rng.choice(kind.moves)
        # What the reader has been told of this person so far.
        self.kind_known, self.look_known, self.met = True, False, False

    def _look_group(self):
        group = {"water": "animal", "magic": "animal"}.get(self.kind.group, self.kind.group)
        return "big" if group == "animal" and "b" in self.kind.skills else group

    def give_name(self, taken=()):
        """Names the person; no two in a story begin with the same letter."""
        human = self.kind.group in ("child", "adult")
        maker = names.person_name if human else names.creature_name
        while not self.name or self.name[0] in taken:
            self.name = maker(self.rng, self.pronoun)

    def plain(self):
        """The name, or the kind with its article."""
        return self.name or f"the {self.kind.noun}"

    def _varied(self):
        """Mostly the name; now and then the kind, once that is known."""
        if self.name and self.kind_known and self.rng.random() < 0.14:
            look = self.look if self.look_known and self.rng.random() < 0.5 else ""
            return f"the {look} {self.kind.noun}".replace("  ", " ")
        return self.plain()

    def _described(self, article):
        self.look_known = True
        return f"{article} {self.look} {self.kind.noun}"

    def _introduced(self):
        phrase = self._described("a")
        if not self.name:
            return phrase
        return f"{phrase} {self.rng.choice(('named', 'named', 'called'))} {self.name}"

    def _first(self):
        """An introduction, unless the reader knows this person already."""
        return self._varied() if self.met else self._introduced()

    def _addressed(self):
        """How others speak to this person."""
        return self.name or f"{self.rng.choice(('little', 'dear', 'my dear'))} {self.kind.noun}"

    def field(self, field):
        pronouns = dict(zip(("he", "him", "his", "self"), PRONOUNS[self.pronoun]))
        if field in pronouns:
            return pronouns[field]
        forms = {
            "": self._varied,
            "n": self.plain,
            "k": lambda: self.kind.noun,
            "the": lambda: self._described("the"),
            "a": lambda: self._described("a"),
            "intro": self._introduced,
            "first": self._first,
            "look": lambda: self.look,
            "voc": self._addressed,
            "went": lambda: self.move,
        }
        text = forms[field]()
        self.met = True
        return text


class Relative:
    """A grown-up of the hero's family: `his mother`, `Mother`."""

    def __init__(self, hero, noun, pronoun, called):
        self.hero, self.noun, self.pronoun, self.called = hero, noun, pronoun, called

    def field(self, field):
        pronouns = dict(zip(("he", "him", "his", "self"), PRONOUNS[self.pronoun]))
        if field in pronouns:
            return pronouns[field]
        owned = f"{PRONOUNS[self.hero.pronoun][2]} {self.noun}"
        return {"": owned, "n": owned, "voc": self.called, "k": self.noun}[field]


RELATIVES = (
    ("mother", "she", "Mother"), ("mother", "she", "Mama"), ("mother", "she", "Mom"),
    ("father", "he", "Father"), ("father", "he", "Papa"), ("father", "he", "Dad"),
    ("grandmother", "she", "Grandma"), ("grandfather", "he", "Grandpa"),
    ("grandmother", "she", "Granny"), ("aunt", "she", "Auntie"), ("uncle", "he", "Uncle"),
)
MOM_ONLY = (("mom", "she", "Mom"), ("dad", "he", "Dad"), ("mommy", "she", "Mommy"))
ELDERS_BY_GROUP = {
    "machine": (("maker", "she", "Maker"), ("maker", "he", "Maker")),
    "toy": (("friend the old clock", "he", "Clock"), ("friend the rocking horse", "she", "Horse")),
    "sky": (("grandmother the moon", "she", "Grandma Moon"), ("father the wind", "he", "Father Wind"),
            ("mother the sun", "she", "Mother Sun")),
    "adult": (("mother", "she", "Mother"), ("old teacher", "she", "Teacher"),
              ("grandmother", "she", "Grandma")),
}


def make_elder(rng, hero):
    group = hero.kind.group
    choices = ELDERS_BY_GROUP.get(group, RELATIVES)
    if group == "child":
        choices = RELATIVES + MOM_ONLY * 2
    if group == "machine" and hero.kind.noun != "robot":
        choices = (("driver", "he", "Driver"), ("driver", "she", "Driver"))
    return Relative(hero, *rng.choice(choices))
