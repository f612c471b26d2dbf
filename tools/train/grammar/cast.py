"""The people of the stories: kinds, looks, ways to move, pronouns."""

from . import names

# noun | ways to move | home | favourite food | skills
# Skills: f flies, s swims, c climbs, d digs, b big, t tiny, l carries a light.
LAND_ANIMALS = """
fox|trotted,ran|den|berries|d
rabbit|hopped|burrow|carrots|d
bunny|hopped|burrow|clover|dt
hare|hopped,ran|nest in the grass|grass|
mouse|ran,hurried|mouse hole|cheese|tdc
rat|ran,hurried|hole in the wall|bread|dcs
hedgehog|shuffled,walked|nest of leaves|apples|t
squirrel|jumped,ran|hollow tree|nuts|ct
chipmunk|ran,jumped|hollow log|seeds|ctd
badger|walked,marched|burrow|mushrooms|d
mole|shuffled,walked|tunnel|turnips|dt
bear|walked,marched|cave|honey|bcs
bear cub|walked,ran|cave|honey|c
wolf|trotted,ran|cave|stew|b
deer|ran,walked|bed of ferns|leaves|b
moose|walked,marched|clearing|grass|bs
beaver|walked,waddled|lodge|bark|s
otter|ran,slid|river bank|fish|s
raccoon|walked,ran|hollow tree|corn|c
skunk|walked,trotted|burrow|berries|d
owl|flew,flapped|hollow tree|soup|f
sparrow|flew,fluttered|nest|seeds|ft
robin|flew,fluttered|nest|seeds|ft
crow|flew,flapped|nest|corn|f
magpie|flew,flapped|nest|cherries|f
woodpecker|flew,fluttered|hole in a tree|seeds|f
parrot|flew,flapped|nest|nuts|f
swan|swam,waddled|nest in the reeds|bread|fs
duck|waddled|nest in the reeds|bread|fs
duckling|waddled|nest in the reeds|bread|st
goose|waddled,marched|nest in the reeds|grass|fs
chicken|walked,ran|hen house|corn|
hen|walked,ran|hen house|corn|
rooster|marched,walked|hen house|corn|
chick|ran,hopped|hen house|corn|t
pig|trotted,walked|barn|apples|
piglet|trotted,ran|barn|apples|t
cow|walked,trotted|barn|grass|b
calf|walked,trotted|barn|milk|
horse|trotted,walked|stable|hay|b
pony|trotted,walked|stable|carrots|b
donkey|trotted,walked|stable|hay|b
foal|trotted,ran|stable|milk|
goat|jumped,walked|shed|cabbage|c
sheep|walked,trotted|barn|grass|
lamb|jumped,ran|barn|clover|
dog|ran,trotted|dog house|sausages|ds
puppy|ran,trotted|basket|biscuits|dt
cat|walked,crept|basket|fish|c
kitten|ran,crept|basket|milk|ct
hamster|ran,hurried|cage full of straw|seeds|t
frog|hopped,jumped|lily pad|soup|st
toad|hopped|hole under a stone|soup|t
turtle|crawled,walked|hole by the pond|lettuce|s
tortoise|crawled,walked|garden|lettuce|
snail|crawled,slid|shell|lettuce|tc
ant|marched,hurried|ant hill|sugar|tcd
beetle|crawled,walked|hole in a log|leaves|tc
ladybug|flew,crawled|leaf|leaves|tf
bee|flew,buzzed|hive|honey|tf
butterfly|flew,fluttered|flower|flower juice|tf
caterpillar|crawled|leaf|leaves|tc
cricket|hopped,jumped|crack in the wall|grass|t
firefly|flew,fluttered|tree|flower juice|tfl
bat|flew,fluttered|cave|plums|f
lizard|ran,crawled|hole under a stone|plums|tc
snake|slid,crawled|hole under a stone|eggs|cs
lion|walked,marched|cave|stew|b
lion cub|ran,jumped|cave|milk|
tiger|walked,crept|cave|stew|bs
elephant|walked,marched|grove of trees|bananas|bs
monkey|jumped,ran|tree|bananas|c
giraffe|walked,ran|grove of trees|leaves|b
zebra|trotted,ran|grassy plain|grass|b
hippo|walked,shuffled|muddy pool|grass|bs
rhino|walked,marched|grassy plain|grass|b
camel|walked,trotted|tent|dates|b
kangaroo|hopped,jumped|grassy plain|grass|b
koala|walked,climbed|tree|leaves|c
panda|walked,shuffled|bamboo grove|bamboo|bc
sloth|crawled,climbed|tree|leaves|c
penguin|waddled|house of ice|fish|s
polar bear|walked,marched|cave of ice|fish|bs
reindeer|trotted,ran|stable|moss|b
walrus|slid,shuffled|house of ice|fish|bs
llama|walked,trotted|shed|hay|b
ostrich|ran,marched|sandy nest|seeds|b
peacock|walked,marched|garden|seeds|f
turkey|walked,ran|hen house|corn|
crocodile|crawled,walked|muddy pool|fish|bs
worm|crawled|hole in the ground|leaves|td
spider|crawled,ran|web|soup|tc
seagull|flew,flapped|nest on a cliff|bread|f
stork|flew,walked|nest on a roof|fish|f
weasel|ran,crept|hole in the wall|eggs|dt
ferret|ran,crept|basket|eggs|dt
alpaca|walked,trotted|shed|hay|b
"""

WATER_ANIMALS = """
fish|swam|cave under a rock|sea grass|s
goldfish|swam|cave under a stone|bread crumbs|st
whale|swam|bay|tiny shrimps|sb
dolphin|swam,jumped|bay|fish|s
octopus|swam,crawled|cave under a rock|shrimps|sc
crab|crawled,ran|hole in the sand|sea grass|sdt
sea horse|swam|bed of sea grass|tiny shrimps|st
starfish|crawled|flat rock|sea grass|st
seal|swam,slid|rock|fish|s
shark|swam|sunken ship|sea grass soup|sb
jellyfish|floated|bay|tiny shrimps|sl
sea turtle|swam|bed of sea grass|sea grass|s
lobster|crawled|cave under a rock|sea grass|sc
eel|swam,slid|hole in the rocks|shrimps|sl
squid|swam|cave under a rock|shrimps|s
mermaid|swam|palace of shells|sea grass cake|s
clam|floated|bed of sand|sea grass|st
"""

MAGIC_FOLK = """
dragon|flew,marched|cave|pepper soup|fbl
unicorn|trotted,ran|glade|clover|b
fairy|flew,fluttered|flower|honey|ftl
elf|ran,walked|mushroom house|berries|c
gnome|walked,marched|mushroom house|turnips|d
giant|walked,marched|stone house|porridge|b
troll|walked,marched|cave|stew|bd
ghost|floated|old attic|moon cake|fl
wizard|walked,hurried|tower|soup|
witch|flew,walked|crooked hut|pumpkin pie|f
monster|walked,shuffled|cave|jam|b
dinosaur|walked,marched|valley|leaves|b
yeti|walked,marched|cave of ice|snow cake|b
snowman|shuffled,slid|snowy garden|ice|
phoenix|flew,flapped|nest|cherries|fl
goblin|ran,crept|cave|mushrooms|d
"""

MACHINES = """
robot|rolled,walked|workshop||
train|rolled|station||b
tractor|rolled|barn||b
truck|rolled|garage||b
bus|rolled|garage||b
car|rolled|garage||
fire truck|rolled|garage||b
digger|rolled|shed||bd
steam engine|rolled|station||b
"""

TOYS = """
teddy bear|walked,ran|toy box||
doll|walked,ran|doll house||
toy soldier|marched|toy box||
toy robot|rolled,walked|toy box||
rag doll|walked,ran|toy box||
wooden horse|trotted|shelf||
toy train|rolled|toy box||
puppet|walked,jumped|old trunk||
sock monkey|jumped,walked|toy box||
toy rabbit|hopped|toy box||
paper plane|flew|desk||f
toy car|rolled|shelf||
wooden duck|rolled|shelf||s
music box dancer|danced|music box||
toy elephant|walked,rolled|shelf||
"""

SKY_FOLK = """
cloud|floated,drifted|corner of the sky||f
star|floated|place in the sky||fl
snowflake|floated,drifted|cloud||ft
raindrop|floated,slid|cloud||ft
breeze|blew,drifted|hill top||f
moonbeam|slid,drifted|edge of the moon||fl
sunbeam|slid,danced|edge of the sun||fl
balloon|floated,drifted|shop in the town||f
"""

CHILDREN = (("girl", "she"), ("boy", "he"))

# Grown-ups who may be the hero: noun, pronoun, home.
GROWN_UPS = """
king|he|castle
queen|she|castle
princess|she|castle
prince|he|castle
knight|he|castle
baker|he|bakery
baker|she|bakery
fisherman|he|hut by the sea
farmer|he|farm
farmer|she|farm
sailor|he|boat
pirate|he|ship
pirate|she|ship
gardener|she|cottage
gardener|he|cottage
clown|he|wagon
painter|she|cottage
painter|he|cottage
shepherd|he|hut on the hill
tailor|he|shop
shoemaker|he|shop
miller|he|mill
captain|she|ship
captain|he|ship
old man|he|cottage
old woman|she|cottage
grandmother|she|cottage
grandfather|he|cottage
postman|he|cottage
teacher|she|school house
doctor|she|house
cook|he|kitchen
woodcutter|he|hut in the woods
inventor|she|workshop
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
        noun, moves, home, food, skills = line.split("|")
        self.noun, self.home, self.food = noun, home, food
        self.moves = moves.split(",")
        self.skills = set(skills)
        self.group = group

    def __contains__(self, skill):
        return skill in self.skills


def _table(text, group):
    return [Kind(line, group) for line in text.strip().split("\n")]


def _people():
    child = [Kind(f"{noun}|ran,walked,skipped|house|pancakes|c", "child") for noun, _ in CHILDREN]
    adult = []
    for line in GROWN_UPS.strip().split("\n"):
        noun, pronoun, home = line.split("|")
        kind = Kind(f"{noun}|walked,hurried|{home}|soup|", "adult")
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
            "home": lambda: self.kind.home,
            "food": lambda: self.kind.food or "nothing at all",
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
