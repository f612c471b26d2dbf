"""Plots about belongings: lost, shared, built, broken, given."""

from . import world
from .story import Plot

# How a thing is lost decides where it ends, what fails, and who can help.
LOSSES = {
    "light": dict(
        helper=lambda kind: "f" in kind or "c" in kind,
        gone="[a strong wind|a sudden wind|the wind] [came and took|blew] {t.the} away",
        where="high up in [a tall|an old|the tallest] tree",
        fails=("{H} jumped and jumped, but {t.the} was much too high.",
               "{H} shook the tree, but {t.the} did not fall down.",
               "{H} threw a stick at it, but the stick did not fly high enough.",
               "{H} tried to climb the tree, but {he} slid down again."),
        rescue="{f} went up to the top of the tree and [brought|carried] {t.the} down",
        careful="hold on to {t.the} when the wind blows"),
    "rolls": dict(
        helper=lambda kind: "t" in kind or "d" in kind,
        gone="{t.the} rolled [away|down the hill] [faster and faster|and did not stop]",
        where="at the bottom of a [deep|dark|narrow] hole",
        fails=("{H} put a long stick into the hole, but the stick was too short.",
               "{H} tried to [squeeze|crawl] into the hole, but {he} was too big.",
               "{H} called into the hole, but only an echo came back.",
               "{H} tried to reach it, but the hole was too deep."),
        rescue="{f} crawled into the hole and pushed {t.the} out",
        careful="look out for holes"),
    "floats": dict(
        helper=lambda kind: "s" in kind,
        gone="{t.the} fell into the water and floated away",
        where="[far out on|in the middle of|on the other side of] the water",
        fails=("{H} reached for it with a stick, but the stick was too short.",
               "{H} threw a rope, but the rope was too short.",
               "{H} ran along the bank, but the water was too fast.",
               "{H} put one foot into the water, but it was cold and deep."),
        rescue="{f} jumped into the water, swam out and pushed {t.the} back to the shore",
        careful="keep {t.the} away from the water"),
    "wave": dict(
        helper=lambda kind: "t" in kind or "c" in kind or "l" in kind,
        gone="a big wave came and took {t.the} away",
        where="in a [deep|dark|narrow] crack between two rocks",
        fails=("{H} tried to get it out, but the crack was too narrow.",
               "{H} pushed against the rocks, but they did not move.",
               "{H} tried to reach it, but it was too far down."),
        rescue="{f} went down into the crack and came back with {t.the}",
        careful="hold on to {t.the} when the waves are big"),
}
LOSS_NOUNS = {"light": "light", "rolls": "rolls", "floats": "floats", "wave": "plain"}


def setup_lost(s):
    loss = "wave" if s.world == "water" else s.pick(("light", "rolls", "floats"))
    s.thing(world.THINGS[LOSS_NOUNS[loss]])
    facts = LOSSES[loss]
    s.person("f", facts["helper"])
    s.say(where=facts["where"], gone=facts["gone"], careful=facts["careful"], dream="{t.the}")
    first, second = s.rng.sample(facts["fails"], 2)
    s.say(fail=first, fail2=second, rescue=facts["rescue"])


LOST = Plot(
    "lost_thing", "animal child adult machine magic water", setup_lost,
    hooks=(
        ("had {t.a}", "have {t.a}"), ("had {t.a}", "have {t.a}"),
        ("had {t.a} that {he} loved very much", "love my {t}"),
        ("loved {his} {t} more than anything", "love my {t} more than anything"),
        ("got {t.a} from {e}", "have {t.a}"),
        ("had {t.a}. {He} took it everywhere", ""),
        ("had a new {t}. It was the [best|prettiest] {t.n} in the world", "have a new {t}"),
        ("never went out without {his} {t}", "never go out without my {t}"),
        ("liked to play with {his} {t}", "like to play with my {t}"),
    ),
    own=(
        "One day, {h.intro} went {q.to} with {his} {t}. [Suddenly|But then|All at once] {gone}.",
        "{H.n} the {h.k} was very sad. That morning, {he} had taken {his} {t} {q.to}, and {gone}.",
        "<once>, {h.intro} had {t.a}. One day, when {he} was playing {q.in}, {gone}.",
        '"Where is my {t.n}?" cried {h.n} the {h.k}. {He} had taken it {q.to}, and there {gone}.',
        "{H.n} the {h.k} was sad because {he} had lost {his} {t}. {He} had been {q.in} when {gone}.",
        "One day, {h.intro} lost {his} {t}. {He} was playing {q.in}, and [suddenly|all at once] {gone}.",
        "{H.n} the {h.k} and {his} {e.k} went {q.to}. {H.n} took {his} {t} along. But there {gone}.",
    ),
    scenes=(
        ("<oneday> {h} [took|carried] {t.the} {q.to}. [But then|Suddenly|All at once] {gone}.",
         "<oneday> {he} went {q.to} to play with {his} {t}. [But then|Suddenly] {gone}.",
         "<oneday> {h} was playing {q.in} with {his} {t}. [All at once|Before {he} knew it|Then] {gone}.",
         "<oneday> {he} {h.went} {q.to}, and of course {he} took {his} {t} along. There {gone}."),
        ("?", "@h([Oh no|Stop|Come back|Wait]! [My {t}|My poor {t.n}|Come back]!)",
         "@h([Oh no|Oh dear]! My {t.n}!) {He} ran after it as fast as {he} could."),
        ("{H} looked [everywhere|here and there|and looked]. <atlast> {he} saw it. {T.the} was {where}.",
         "{He} ran after it, but {he} was too slow. Now {t.the} was {where}.",
         "{H} searched for a long time. Then {he} saw {t.the} {where}."),
        ("{fail} <sad>", "{fail} {fail2}", "{fail} {fail2} <sad>", "<tried> {fail} <sad>",
         "{fail} <tried> {fail2}"),
        ("<soon> {f.intro} came by. <asks> <tellsall>",
         "<then> {f.intro} heard {him}. <asks> @h(My {t.n} is {where}, and I cannot get it!)",
         "{F.intro} was [sitting|resting] nearby and had seen it all. <offers>",
         "<soon> {h} met {f.intro}. @h(Can you help me? My {t.n} is {where}.)"),
        ("{Rescue}. @f(Here [you are|it is|is your {t.n}]!)",
         "<offers> {Rescue}.",
         "@f(That is easy for me.) And it was. {Rescue}, and gave it back to {h.n}.",
         "{F} looked at it and nodded. Then {rescue}."),
        ("<thanks>", "<thanks> <glad>", "<glad> <thanks>"),
        ("Now the two played with {t.the} until [the sun went down|it was dark|evening]. <friends>",
         "{H} went home with {t.the}. From then on {he} was careful to {careful}. <sleep>",
         "{H} let {f.n} play with {t.the} all [day|afternoon]. <friends>",
         "From that day on, {h.n} was careful to {careful}. And {f.n} came to play every day.",
         "@f(Next time, {careful}.) And {h.n} always did. <friends>",
         "That evening, {h.n} told {e} the whole story and held {t.the} tight. <learned_help>"),
    ),
)

# A thing is gone, and nobody knows where; somebody clever asks questions.
HIDDEN = (
    ("under {his} own bed", "I played under my bed", "the bed"),
    ("behind the door", "I stood behind the door", "the door"),
    ("in the big basket", "I took something out of the big basket", "the basket"),
    ("in the kitchen, next to the pot", "I ate in the kitchen", "the kitchen"),
    ("under the blanket", "I slept under my blanket", "the blanket"),
    ("on the chair, under a coat", "I sat on a chair", "the chair"),
    ("under the table", "I sat under the table", "the table"),
    ("on the window sill", "I looked out of the window", "the window"),
)


def setup_forgotten(s):
    s.thing(world.THINGS["plain"] + world.THINGS["shiny"])
    where, memory, spot = s.pick(HIDDEN)
    s.person("f")
    s.say(where=where, memory=memory, spot=spot, dream="{t.the}")


FORGOTTEN = Plot(
    "forgotten_thing", "animal child adult toy magic", setup_forgotten,
    hooks=(
        ("had {t.a}", "have {t.a}"), ("could not find {his} {t}", "cannot find my {t}"),
        ("was always losing things", "lose everything"),
        ("had lost {his} {t}", "have lost my {t}"),
        ("was sad because {his} {t} was gone", "am sad because my {t} is gone"),
        ("had {t.a}. It was {his} favorite thing", "have {t.a}"),
        ("often forgot where {he} had put things", "forget everything"),
    ),
    own=(
        '"Where is my {t.n}?" asked {h.n} the {h.k}. {He} could not find it anywhere.',
        "{H.n} was looking for {his} {t}. It was gone.",
        "One morning, {h.intro} woke up and {his} {t} was gone.",
        "{H.n} the {h.k} had lost {his} {t}. {He} had looked all morning.",
    ),
    scenes=(
        ("<oneday> {t.the} was gone. {H} could not find it anywhere.",
         "<oneday> {he} wanted to play, but {he} could not find {his} {t}.",
         "<oneday> {h} looked for {his} {t}, but it was not in its place."),
        ("{He} looked in the cupboard. It was not there. {He} looked in the garden. It was not there.",
         "{He} looked [high and low|everywhere]. {He} looked under the [stairs|rug], but there was only dust.",
         "First {he} looked in the box. There was only an old sock. Then {he} looked on the shelf. There was only a book."),
        ("?", "<sad>", "{H} asked {e}, but {e} had not seen it. <sad>",
         "@h([Somebody|Who] took my {t.n}!) But nobody had taken it."),
        ("<then> {f.intro} came to visit. <asks> @h(I cannot find my {t.n}.)",
         "{H} went to {f.intro}. @h(Have you seen my {t.n}?) @f(No, but I can help you to think.)",
         "<soon> {f.intro} came by. @f(What are you looking for?) @h(I am looking for my {t}.)"),
        ("@f([Close your eyes and think|Think hard]. What did you do [last|yesterday]?) {H} thought and thought. @h({memory}.)",
         "@f(Where were you when you saw it last?) @h(Let me think. {memory}.)"),
        ("@f(Then let us look there!) They went to {spot}, and there was {t.the}, {where}!",
         "They looked at each other and ran to {spot}. And there it was, {where}!",
         "So they went back to {spot} together. {T.the} was {where} all the time."),
        ("<glad> <thanks>", "{H} began to laugh, and {f} laughed too. <thanks>", "<thanks>"),
        ("From that day on, {h.n} always put {his} {t} [back in its place|in the same place]. <sleep>",
         "After that, {h.n} made a special place for {t.the}, and it was never lost again.",
         "They played with {t.the} all day. <friends>",
         "That night, {h.n} put {t.the} next to {his} bed, just to be safe. <sleep>"),
    ),
)

# Something shiny is taken by somebody who only longs for something pretty.
GIFTS = ("a blue feather", "a pretty stone", "a red ribbon", "a string of beads", "a glass bead",
         "a yellow button", "a paper flower", "a silver leaf", "a little lamp", "a bright shell")


def setup_thief(s):
    s.thing(world.THINGS["shiny"])
    thieves = ("magpie", "crow", "raccoon", "monkey", "ferret", "rat", "squirrel")
    noun = s.pick([noun for noun in thieves if noun != s.hero.kind.noun])
    s.person("f", lambda kind: kind.noun == noun, group="animal", named=0.4)
    s.say(gift=s.pick(GIFTS), dream="{t.the}")


THIEF = Plot(
    "thief", "animal child adult machine magic", setup_thief,
    hooks=(
        ("had {t.a}", "have {t.a}"),
        ("had {t.a} that [shone|sparkled] in the sun", "have {t.a} that shines in the sun"),
        ("had {t.a} from {e}", "have {t.a} from {e}"),
        ("was proud of {his} {t}", "am proud of my {t}"),
        ("found {t.a} [in the grass|by the road|in the sand]", "have found {t.a}"),
    ),
    own=(
        "One night, somebody took {t.the} of {h.n} the {h.k}. In the morning it was gone.",
        "{H.n} the {h.k} woke up and saw that {his} {t} was gone. Somebody had taken it!",
    ),
    scenes=(
        ("<oneday> {h} put {t.the} [on a stone|on the window sill|in the grass] and went to [eat|drink|wash]. When {he} came back, it was gone.",
         "<oneday> {he} left {t.the} [on a stone|on the window sill|by the door]. In the evening it was gone.",
         "<oneday> {t.the} was gone. Somebody had taken it!"),
        ("<sad>", "{H} was [angry|very angry]. @h(Who took my {t.n}?)",
         "@h(I will find [it|out who did this]!)"),
        ("There were small foot prints on the ground. {H} followed them {q.to}.",
         "{H} looked around and saw something shine {q.in}. {He} went closer.",
         "{He} followed a trail of crumbs. It led {q.to}."),
        ("There sat {f.intro}, with {t.the}. @h(That is my {t.n}!) {F} looked down and turned red.",
         "There {he} found {f.intro}. In front of {f.him} lay {t.the}. @h(Why did you take it?)"),
        ("@f(I am sorry. My home is so dark, and {t.the} is so bright.)",
         "@f(I am sorry. I have nothing pretty, and I only wanted to look at it.) Then {f.he} began to cry.",
         "@f(I am sorry. I have no friends, and {t.the} made me happy.)"),
        ("{H} was not angry any more. {He} went home and came back with {gift}. @h(This is for you.)",
         "{H} thought for a while. @h(Give me back my {t.n}, and I will give you {gift}.) {F} nodded.",
         "{H} felt sorry for {f}. The next day {he} brought {f.him} {gift}."),
        ("{F} was so happy that {f.he} gave {t.the} back at once. @f(I will never take anything again.)",
         "{F} could not believe it. @f(For me? Nobody ever gave me anything!) {F.he} gave {t.the} back and never [stole|took things] again."),
        ("<friends>", "<friends> <sleep>", "<never>",
         "{H.n} had learned that [kind words open every door|you should ask first and be angry later]. <friends>"),
    ),
)


def setup_share(s):
    s.thing(world.TREATS, look=s.pick(("big", "warm", "fresh", "sweet", "fine", "", "", "")))
    s.person("f")
    s.person("g")
    s.say(dream="the feast", bring=s.pick((
        "a pot of warm soup", "a basket of berries", "sweet milk", "fresh bread and butter",
        "a jug of apple juice", "roasted nuts", "a big cake", "honey bread")))


SHARE = Plot(
    "share", "animal child adult magic", setup_share,
    hooks=(
        ("was very hungry", "am so hungry"), ("loved to eat", "love to eat"),
        ("had {t.a}", "have {t.a}"), ("baked {t.a}", "have baked {t.a}"),
        ("got {t.a} from {e}", "have {t.a}"), ("found {t.a} on the road", "have found {t.a}"),
        ("did not like to share", "do not like to share"),
        ("had only {t.a} to eat", "have only {t.a}"),
    ),
    own=(
        "One morning, {h.intro} had {t.a}. {He} wanted to eat it {q.in}.",
        "{H.n} the {h.k} was so hungry. All {he} had was {t.a}, so {he} took it and went {q.to}.",
        "{H.n} was walking {q.to} with {t.a}. {H.n} was {h.a}.",
    ),
    scenes=(
        ("<oneday> {he} took {t.own} and went {q.to} to eat in peace.",
         "<oneday> {h} sat down {q.in} with {t.own}. It smelled so good!",
         "<oneday> {he} {h.went} {q.to} with {t.own} for lunch."),
        ("{H} was just about to take a bite when {f.intro} came by. @f([That smells good|I am so hungry]. [May I have a little piece|Can I have some]?)",
         "But before {he} could eat, {f.intro} stopped in front of {him}. @f(I have not eaten [all day|since yesterday]. Can you give me a bit?)"),
        ("{H} looked at the food. It was not very much. But {f} looked so hungry that {h} gave {f.him} a piece.",
         "First {h} wanted to say no. Then {he} saw how thin {f} was. @h([Here|Sit down]. There is enough for two.)",
         "@h([Of course|Yes]! Sit down and eat with me.)"),
        ("<then> {g.intro} came, too. {G.he} was [small and cold|tired and hungry|hungry as well]. {H} gave {g.him} a piece, too.",
         "A little later, {g.intro} looked at them with big eyes. @h(Come here. We can share this, too.)"),
        ("Now only a tiny bit was left for {h.n}. But {he} did not mind. It was nice to eat together.",
         "In the end, there was almost nothing left for {h}. But {he} felt warm inside.",
         "Soon the food was all gone, and {h.n} was still a little hungry."),
        ("The next day, there was a knock at the door. There were {f} and {g} with {bring}. @f([You shared with us|You were kind]. Now we share with you!)",
         "@f(Wait here!) {F} and {g} ran away. Soon they came back with {bring}. @g(This is for all of us!)",
         "A week later, {h} had nothing to eat. Then {f} and {g} came with {bring}. @f(We did not forget you!)"),
        ("They [ate|sat] together and laughed until [it was dark|the moon came up]. <learned_share>",
         "It was the best meal {h.n} ever had. <learned_share>",
         "What a feast! All three ate until they were full. <sleep>",
         "@h(Thank you!) From that day on, the three of them always ate together.",
         "<learned_share> And from then on {he} always shared."),
    ),
)

BROKEN = (
    ("vase", "ran through the house", "bumped into the table"),
    ("cup", "danced in the kitchen", "bumped into the shelf"),
    ("window", "played with a ball near the house", "threw the ball too hard"),
    ("clock", "climbed on a chair", "slipped and fell"),
    ("jar", "jumped around in the kitchen", "pushed it off the table"),
    ("lamp", "played in the house with a stick", "swung the stick too far"),
    ("plate", "ran around the table", "pulled at the table cloth"),
    ("teapot", "played ball in the kitchen", "hit it with the ball"),
    ("mirror", "jumped on the bed", "fell against the wall"),
    ("flower pot", "chased a fly", "did not look where {he} was going"),
    ("chair", "jumped up and down on it", "jumped too high"),
)


def setup_honest(s):
    noun, play, slip = s.pick(BROKEN)
    s.thing([noun])
    s.say(play=play, slip=slip, dream="a {t.n} with wings",
          hide=s.pick(("under a bush", "behind the door", "under the bed", "in a box", "in a dark corner")))


HONEST = Plot(
    "honest", "animal child magic", setup_honest,
    hooks=(
        ("loved to run and jump", "love to run and jump"), ("could not sit still", "cannot sit still"),
        ("was home alone", "am home alone"), ("was very [lively|wild|quick]", "am very quick"),
        ("lived with {e}", "live with {e}"), ("was bored", "am bored"),
        ("liked to play in the house", "like to play"),
    ),
    scenes=(
        ("<oneday> {h} {play}. {He} {slip}, and crash! {T.the} of {e} was broken.",
         "<oneday> {e} went out and said, \"Be careful with my {t.n}.\" But {h} {play}. {He} {slip}, and {t.the} broke.",
         "It rained <oneday> so {he} {play}. Suddenly {he} {slip}. Crash! {T.the} broke into pieces."),
        ("{H} was [afraid|scared]. {He} hid the pieces {hide}.",
         "@h(Oh no! What will {e.voc} say?) {He} put the pieces {hide}.",
         "What now? {H} quickly hid everything {hide} and went to {his} room."),
        ("{E} came home. @e(Where is my {t.n}?) @h(I do not know.) {He} [could not look up|looked at the floor].",
         "In the evening, {e} asked about {t.the}. @h(I have not seen it.) But {his} face was [red|hot].",
         "{E} looked for {t.the}. @e(Have you seen my {t.n}?) {H} only shook {his} head."),
        ("That night, {h} could not sleep. {His} belly felt as if there was a stone in it.",
         "But the lie was heavy. {H} could not eat, and {he} could not play.",
         "{H} felt worse and worse. Even {his} supper did not taste good."),
        ("<atlast> {he} went to {e}. @h(It was me. I broke your {t.n}. I am sorry!) Then {he} cried.",
         "Then {he} could not stand it any more. {He} got the pieces and brought them to {e}. @h(I broke it, and I did not tell the truth. I am sorry.)"),
        ("{E} took {him} in {e.his} arms. @e(I am sad about my {t.n}. But I am glad that you told me the truth.)",
         "{E} was quiet for a while. Then {e.he} smiled. @e(That was brave. A {t.n} can be mended, and now so is your heart.)",
         "{E} was not angry. @e(Thank you for telling me. You are more important than a {t.n}.)"),
        ("Together they glued the pieces. {T.the} was not as pretty as before, but they both loved it. <learned_true>",
         "The stone in {his} belly was gone. They mended {t.the} together, and {h.n} was careful from then on.",
         "The next day, they [mended it|made a new one] together. <learned_true>",
         "{H} felt as light as a feather. <learned_true> <sleep>"),
    ),
)

PLOTS = (LOST, LOST, FORGOTTEN, THIEF, SHARE, HONEST)
