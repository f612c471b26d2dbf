"""Openings: the many ways in which a story may introduce its hero.

Each template holds {hook}, what the plot tells of the hero, so that any of
them can begin any plot.  Those under DAY have already set the day; the plot
then goes on with "That day" and not with "One day".
"""

ONCE = "[Once upon a time|Once upon a time|Once|Long ago|A long time ago|Long, long ago|Once, long ago]"

# The hero has a name, and the kind is told.
NAMED = (
    "<once>, there was {h.intro}. {He} lived {home}. {He} {hook}.",
    "<once>, there was {h.intro}. {He} {hook}.",
    "<once>, there was {h.intro} who lived {home}. {H.n} {hook}.",
    "<once>, there was {h.intro} who {hook}.",
    "<once>, {h.intro} lived {home}. {He} {hook}.",
    "<once>, {h.intro} lived {home}. {H.n} {hook}.",
    "There [once|] was {h.a} who {hook}. {His} name was {h.n}.",
    "There was [once|] {h.intro}. {H.n} {hook}.",
    "There once lived {h.intro}. {He} {hook}.",
    "There was {h.a} named {h.n} who {hook}.",
    "There was {h.a} who lived {home}. {His} name was {h.n}, and {he} {hook}.",
    "{H.n} was {h.a}. {He} lived {home}. {He} {hook}.",
    "{H.n} was {h.a} who lived {home}. {He} {hook}.",
    "{H.n} was {h.a} who {hook}.",
    "{H.n} was {h.a}. {He} {hook}.",
    "{H.n} the {h.k} lived {home}. {He} {hook}.",
    "{H.n} the {h.k} lived {home} and {hook}.",
    "{H.n} the {h.k} {hook}.",
    "{H.n} the {h.k} {hook}. {He} lived {home}.",
    "{Home} [there lived|lived] {h.intro}. {He} {hook}.",
    "{Home}, there [lived|was] {h.intro}. {He} {hook}.",
    "{Home} lived {h.a} [named|called] {h.n} who {hook}.",
    "This is [the|a] story [of|about] {h.n}, {h.a} who lived {home}. {He} {hook}.",
    "This is [the|a] story [of|about] {h.n} the {h.k}. {H.n} {hook}.",
    "Have you [ever|] heard of {h.n}, {h.a}? {He} lived {home}. {He} {hook}.",
    "Do you know [the story of|] {h.n} the {h.k}? {He} {hook}.",
    "Everybody {home} knew {h.n} the {h.k}. {He} {hook}.",
    "A {h.k} named {h.n} lived {home}. {He} {hook}.",
    "A {h.look} {h.k} [named|called] {h.n} {hook}.",
    "A {h.look} {h.k} lived {home}. {His} name was {h.n}. {He} {hook}.",
    "{H.n} lived {home}. {He} was {h.a}. {He} {hook}.",
    "Far away, there lived {h.intro}. {He} {hook}.",
    "In a far away land, there [was|lived] {h.intro}. {He} {hook}.",
)

# A child (or anybody) of whom only the name is told.
ONLY_NAME = (
    "{H.n} {hook}.",
    "{H.n} {hook}.",
    "{H.n} {hook}. {He} lived {home}.",
    "{H.n} lived {home}. {He} {hook}.",
    "{H.n} lived {home} with {his} {e.k}. {He} {hook}.",
    "{H.n} was [three|four|five|six|seven|eight] years old. {He} {hook}.",
    "{H.n} was [a good child|a happy child|very small|small for {his} age|the youngest of three]. {He} {hook}.",
    "Little {h.n} {hook}.",
    "Little {h.n} lived {home}. {He} {hook}.",
    "This is [the|a] story [of|about] {h.n}. {H.n} {hook}.",
    "Everybody knew that {h.n} {hook}.",
    "{H.n} and {his} {e.k} lived {home}. {H.n} {hook}.",
    "{H.n} was a [little|small|good|happy|clever] {h.k} who {hook}.",
    "{H.n} was a [little|small|good|happy|clever] {h.k}. {He} {hook}.",
)

# Nobody has a name.
UNNAMED = (
    "<once>, there was {h.a}. {He} lived {home}. {He} {hook}.",
    "<once>, there was {h.a} who {hook}.",
    "<once>, {h.a} lived {home}. {He} {hook}.",
    "There [once|] was {h.a} who {hook}.",
    "There was {h.a}. {He} {hook}.",
    "There was a {h.k} who {hook}.",
    "There was once a {h.k} who lived {home}. {He} {hook}.",
    "{H.a} lived {home}. {He} {hook}.",
    "{H.a} {hook}.",
    "The {h.k} {hook}.",
    "{H.the} {hook}.",
    "{H.the} lived {home}. {He} {hook}.",
    "{Home} [there lived|lived] {h.a}. {He} {hook}.",
    "In a far away land, there was {h.a}. {He} {hook}.",
)

# The day has begun already.
DAY = (
    "<sky> {H.n} the {h.k} {hook}.",
    "<sky> {H.intro} sat [at the window|in the grass|alone|and thought]. {He} {hook}.",
    "<sky> {H.intro} woke up early. {He} {hook}.",
    "On a <fineday>, {h.intro} [woke up|got up] early. {He} {hook}.",
    "One <fineday>, {h.intro} woke up and [yawned|looked out|stretched]. {He} {hook}.",
    "<sky> {Home}, {h.intro} had just [woken up|had breakfast]. {He} {hook}.",
)
NIGHT = (
    "<sky> {H.n} the {h.k} {hook}.",
    "<sky> {H.intro} lay in bed. {He} {hook}.",
    "One [dark|quiet|windy|cold|warm|starry] night, {h.intro} [lay in bed|looked at the stars|was still awake]. {He} {hook}.",
    "<sky> {Home}, {h.intro} was still awake. {He} {hook}.",
)

# The hero speaks first; {ihook} is the hook in the present tense.
SPOKEN = (
    '"I {ihook}," said {h.n} the {h.k}.',
    '"I {ihook}," said {h.intro}. {He} lived {home}.',
    '"I {ihook}!" {h.n} the {h.k} said [to {e}|one day|to everybody {home}].',
    '{H.n} the {h.k} said, "I {ihook}."',
    '{H.n} told {e}, "I {ihook}." {H.n} was {h.a}.',
    '"I {ihook}," {h.n} [always|often] said. {He} was {h.a} who lived {home}.',
)
SPOKEN_NAME = (
    '"I {ihook}," said {h.n}.',
    '"I {ihook}," {h.n} told {e}.',
    '{H.n} said to {e}, "I {ihook}."',
    '"{E.voc}, I {ihook}," said [little|] {h.n}.',
)
SPOKEN_UNNAMED = (
    '"I {ihook}," said {h.the}.',
    '"I {ihook}," said {h.a} who lived {home}.',
    '{H.the} said to {e}, "I {ihook}."',
)


def _style(story, spoken):
    """Chooses a table of openings, and whether it sets the day."""
    rng, hero = story.rng, story.hero
    roll = rng.random()
    child = hero.kind.group == "child"
    if not hero.name:
        return (SPOKEN_UNNAMED if spoken and roll < 0.12 else UNNAMED), False
    if child and roll < 0.55:
        hero.kind_known = rng.random() < 0.4
        return (SPOKEN_NAME if spoken and roll < 0.08 else ONLY_NAME), False
    if spoken and roll < 0.66 and roll > 0.55:
        return SPOKEN, False
    if roll > 0.86:
        return (NIGHT if story.plot.night else DAY), True
    return NAMED, False


def write(story):
    past, present = story.pick(story.plot.hooks)
    templates, dated = _style(story, bool(present))
    story.phrases["sky"] = story.phrases["nightweather" if story.plot.night else "weather"]
    if dated:
        story.phrases["oneday"] = story.phrases["thatday"]
    story.say(hook=past, ihook=present)
    return story.expander.expand(story.pick(templates))
