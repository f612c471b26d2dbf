"""Names: common ones, and invented ones that no list could hold.

Invented names make up a large share of all stories.  A model that has seen a
few hundred names only would learn those by heart; one that meets a new name in
every other story has to learn to copy the name from the opening line.
"""

GIRLS = """
Ada Adele Agnes Alba Alice Alma Amber Amelia Amina Amy Ana Andrea Angela Anika
Anita Anna Annie Anya Aria Asha Astrid Aurora Ava Aya Bea Bella Beth Betty
Bianca Bonnie Bridget Camila Cara Carla Carmen Celia Chloe Clara Cleo Cora
Daisy Dana Daphne Delia Diana Dora Edith Elena Elisa Eliza Ella Ellen Elsa
Emily Emma Erin Esme Esther Etta Eva Eve Faith Fatima Fay Fern Fiona Flora
Freya Frida Gemma Gina Grace Greta Gwen Hana Hanna Hannah Hazel Heidi Helen
Hope Ida Ines Ingrid Irene Iris Isabel Isla Ivy Jane Jasmine Jenny Jess Jill
Joan Josie Joy Julia June Kara Kate Katie Kiki Kira Lara Laura Layla Lea Leila
Lena Lila Lily Lina Lisa Liv Lola Lotta Lottie Louise Lucy Luna Lydia Mabel
Maggie Maja Mara Maria Marie Martha Mary Matilda Maya Meg Mei Mia Mila Milly
Mina Mira Molly Mona Nadia Nancy Naomi Nell Nia Nina Nora Olga Olive Olivia
Opal Paula Pearl Penny Petra Pia Polly Poppy Priya Rita Rosa Rose Rosie Ruby
Ruth Sadie Sally Sara Sarah Selma Sia Sofia Sonia Sophie Stella Sue Susan Suzy
Tara Tess Tessa Tilda Tilly Tina Uma Vera Vicky Viola Wanda Wendy Willa Wilma
Yara Yuki Yuna Zara Zelda Zoe
""".split()

BOYS = """
Aaron Adam Alan Albert Alex Alfie Ali Amir Anders Andy Anton Archie Arlo Arthur
Axel Barney Bart Ben Benny Bill Billy Bob Bobby Boris Bruno Caleb Carl Carlos
Casper Charlie Chris Cole Colin Dan Daniel Danny Dario David Dean Denis Diego
Dylan Ed Eddie Edgar Eli Elias Elmer Emil Eric Ernest Ethan Evan Ezra Felix
Finn Francis Frank Fred Freddy Fritz Gabriel Gary George Gilbert Gus Hans Harry
Harvey Hassan Hector Henry Herbert Howard Hugo Ian Igor Isaac Ivan Jack Jacob
Jake Jamal James Jan Jason Jasper Jens Jim Jimmy Joe Joel John Johnny Jonas
Jonah Josh Juan Jude Karl Kenji Kevin Khalid Kit Lars Lee Leo Leon Leroy Levi
Liam Linus Logan Lorenzo Louis Luca Lucas Luis Luke Manny Marco Mark Martin
Marvin Mateo Matt Max Miles Milo Morris Murray Nate Ned Neil Nick Niko Nils
Noah Noel Norman Oleg Oliver Omar Oscar Otis Otto Owen Pablo Patrick Paul Pavel
Pedro Percy Pete Peter Phil Quentin Rafi Ralph Ravi Ray Remy Rex Ricky Robert
Robin Roger Rolf Ron Rory Roy Rudy Rufus Russ Sam Sammy Samuel Sean Seth Sid
Simon Stan Stefan Steve Sven Tariq Ted Teddy Theo Thomas Tim Timmy Toby Todd
Tom Tommy Tony Umar Victor Vince Wally Walter Wes Will Willy Yann Yusuf Zach
""".split()

PETS = """
Acorn Bandit Basil Bean Berry Binky Biscuit Blinky Bobbin Boo Boots Bounce
Bramble Bubbles Bumble Button Buzz Chestnut Chip Chirpy Cinnamon Clover Cocoa
Cookie Copper Cricket Crumb Crumble Cuddles Dash Dot Dotty Doodle Duffy Dusty
Echo Ember Fidget Fizz Flick Flip Flops Fluff Fluffy Freckle Fudge Fuzzy Ginger
Gizmo Goldie Hazelnut Honey Hoot Hopper Iggy Inky Jelly Jingle Juniper Kiwi
Lemon Lucky Lulu Mango Maple Marble Mimi Minty Misty Mittens Mocha Momo Moppet
Muffin Nibbles Nugget Nutmeg Oats Olly Patch Peaches Peanut Pebble Pepper
Pickle Pip Pipkin Pippin Pogo Poco Pom Ponpon Puddle Puff Pumpkin Quill Quincy
Ripple Rolo Rusty Scooter Scout Shadow Skip Skipper Smoky Snowy Socks Sparky
Speck Spike Spot Sprout Squeak Sunny Sweetie Tango Tango Teapot Thistle Ticker
Tiger Tiny Toffee Tumble Twig Twinkle Velvet Waffle Wiggles Willow Winky Wobble
Yoyo Zigzag Zippy Zuzu
""".split()

_STARTS = """b c d f g h j k l m n p r s t v w y z b d f k l m n p r s t v z
br ch cl dr fl fr gr kr pl qu sh sn st th tr tw""".split()
_VOWELS = "a e i o u a e i o a i o ee oo".split()
_MIDDLES = """b d f g k l m n p r s t v z l m n r
ll nn mm rr ss tt pp bb nd nt mb mp ld lk lm lt rb rd rk rl rn rt sk st zz""".split()
_LAST_VOWELS = "a o i e y u a o i ie".split()
_LAST_CODAS = "n m l r s t k x n l r sh th".split()

# Syllables put together by chance can say things that do not belong here.
_AVOID = """ass anal arse bich bitc bum butt clit coc coon crap cum cun dik dic
dumb fag fart fuc fuk gook hell hit hoe homo hor jap kik kill kkk klan kok kum
kuk lust naz neg nig nip nud pai pee pen piss poo porn puk pus rap sadi satan
sex shit slut spic suck suk tit trum tur twat vag wank whor zit""".split()
_WORDS = """and are bad bat bed big boo but can cat cow day did dog eat far fat
fit for fox fur get got had has hat her hid him his hot how ice ill its joy let
lie lot mad man men met mom net new not now off old one our out own pet pig put
ran red rat run sad sat saw say sea see set she shy sit six sky sun ten the
fly happy sunny then there they thin this tie time toe too top two use van vet war was way wet
what who why will win with yes yet you""".split()


def invented_name(rng):
    """A pronounceable name of one to three syllables, seldom seen twice."""
    while True:
        name = rng.choice(_STARTS) if rng.random() < 0.86 else ""
        for _ in range(rng.choice((0, 1, 1, 1, 1, 2))):
            name += rng.choice(_VOWELS) + rng.choice(_MIDDLES)
        if rng.random() < 0.6 and name:
            name += rng.choice(_LAST_VOWELS)
        else:
            name += rng.choice(_VOWELS[:9]) + rng.choice(_LAST_CODAS)
        if _is_good(name):
            return name.capitalize()


def invented_noun(rng):
    """A made-up kind of creature, such as a snorf or a wimble."""
    return invented_name(rng).lower()


def _is_good(name):
    if not 3 <= len(name) <= 8 or name in _WORDS:
        return False
    if len(name) == 3 and name[1] not in "aeiou":
        return False
    if any(bad in name for bad in _AVOID):
        return False
    repeats = any(a == b == c for a, b, c in zip(name, name[1:], name[2:]))
    return not repeats


def person_name(rng, pronoun):
    """A name for a child or grown-up; a fifth of them are invented."""
    if rng.random() < 0.22:
        return invented_name(rng)
    return rng.choice(GIRLS if pronoun == "she" else BOYS)


def creature_name(rng, pronoun):
    """A name for an animal, a toy, a robot or a cloud."""
    roll = rng.random()
    if roll < 0.62:
        return invented_name(rng)
    if roll < 0.82:
        return rng.choice(PETS)
    return rng.choice(GIRLS if pronoun == "she" else BOYS)
