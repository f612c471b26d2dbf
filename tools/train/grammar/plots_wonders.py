"""Plots with something wonderful in them: magic, kings, stars, gardens."""

from .story import Plot

# seed | what it becomes | what is done with it
PLANTS = (
    ("a tiny seed", "a big sunflower", "Its head was as round as the sun, and there were seeds for all the birds"),
    ("an apple seed", "a little apple tree", "In autumn there were red apples for everybody"),
    ("a brown bean", "a bean plant as high as the roof", "There was bean soup for all the neighbors"),
    ("a pumpkin seed", "the biggest pumpkin of all", "They made soup and pie, and a lamp from the rest"),
    ("a small round seed", "a rose bush", "It was full of red roses, and the whole place smelled sweet"),
    ("a little nut", "a small tree", "One day there would be room for ten nests in it"),
    ("a black seed", "a sweet melon", "They cut it, and there was a piece for everybody"),
    ("a strange seed", "a flower with all the colors of the rainbow", "Everybody came to look at it"),
    ("a carrot seed", "a giant carrot", "It took five of them to pull it out"),
)


def setup_seed(s):
    seed, plant, use = s.pick(PLANTS)
    s.person("f", look=s.pick(("old", "wise", "kind", "patient", "friendly", None)))
    s.thing([seed.split(" ", 1)[1]], look="")
    s.say(plant=plant, use=use, dream=plant)


SEED = Plot(
    "seed", "animal child adult machine magic", setup_seed,
    hooks=(
        ("found {t.a}", "have found {t.a}"), ("wanted a garden", "want a garden"),
        ("had {t.a}", "have {t.a}"), ("got {t.a} from {e}", "have {t.a}"),
        ("loved flowers and trees", "love flowers and trees"), ("could not wait for anything", "cannot wait"),
        ("was not very patient", "do not want to wait"), ("worked in the garden", "work in the garden"),
        ("planted {t.a}", "have planted {t.a}"),
    ),
    scenes=(
        ("<oneday> {he} put {t.own} into the ground. @h(Grow!)",
         "<oneday> {h} dug a small hole and planted {t.own}. Then {he} sat down to wait.",
         "<oneday> {e} gave {him} a small garden. {H} planted {t.own} there."),
        ("The next day {he} looked. Nothing. The day after that {he} looked again. Nothing.",
         "{He} waited all day. {He} waited all week. But there was only brown earth.",
         "Every hour {he} ran to look. But nothing happened."),
        ("@h(Why does it not grow?) {He} wanted to dig it up again.", "<sad> @h(It must be a bad seed.)",
         "{H} shouted at it. {H} sang to it. It did not help."),
        ("<then> {f.intro} came by. @f([Wait|Stop]! A seed needs three things, water, sun and time.)",
         "{F.intro} saw it and laughed softly. @f(Give it water, and let the sun do the rest. And then you must wait.)"),
        ("So {h} gave it water every day, and {he} waited. It rained, and the sun shone, and the days went by.",
         "{H} nodded. Every morning {he} brought water. In the meantime, {he} played with {f}, and the waiting was not so hard.",
         "Every day {he} brought a little water. When it was cold, {he} put leaves around the place."),
        ("And one morning, there was something green! It was so small that {h} almost did not see it.",
         "Then, one day, a green tip came out of the ground. @h(It is alive!)"),
        ("It grew and grew. In the end it was {plant}. {use}.",
         "Week by week it grew, and at last there was {plant}. {use}.",
         "By the end of summer it was {plant}. {use}."),
        ("{H.n} had learned that [good things take time|some things cannot be hurried]. <sleep>",
         "<thanks> And they sat in the sun together and were happy.",
         "@h(It was worth the wait.) And {f} nodded and smiled.",
         "And {h.n} gave a new seed to every friend. <never>"),
    ),
)

# wish | what comes of it at first | how it goes wrong
WISHES = (
    ("that everything {he} touched would be made of sugar", "{He} ate a sweet chair and a sweet door",
     "Soon {his} bed, {his} clothes and even {his} bread were sugar, and {his} teeth began to hurt"),
    ("to be as big as a house", "{He} grew and grew, and {he} could look over all the trees",
     "But now {he} did not fit through {his} door, and everybody ran away from {him}"),
    ("to be as small as a pea", "{He} got smaller and smaller and danced on a leaf",
     "But then a beetle chased {him}, and nobody could hear {him} call"),
    ("that it would never be night", "The sun stood still in the sky, and {he} played and played",
     "But soon {he} was so tired, and it was too bright to sleep"),
    ("to have a mountain of gold", "There was so much gold that {he} could slide down on it",
     "But {he} could not eat it, and {he} had to guard it day and night"),
    ("that nobody could ever say no to {him}", "Everybody did what {he} wanted",
     "But nobody laughed with {him} any more, because they were all afraid"),
    ("that it would snow cake", "Big pieces of cake fell from the sky",
     "But it did not stop, and soon there was cake up to the roof, and nobody could get out"),
    ("to have ten arms", "{He} could do ten things at the same time",
     "But the arms got into a knot, and {he} could not get it open again"),
    ("that everybody would look just like {him}", "Wherever {he} looked, {he} saw {himself}",
     "But {he} could not find {e} any more, because all faces were the same"),
    ("that {he} would never have to work again", "The broom and the pots did all the work",
     "But they did not stop, and they swept {his} supper and {his} bed out of the door"),
    ("that {he} could have the moon", "The moon came down and sat in {his} room",
     "But the night outside was black, and all the others were afraid of the dark"),
)
MAGIC_THINGS = "ring lamp bell shell stone coin flute key bottle spoon mirror hat pearl button box whistle".split()


def setup_wish(s):
    wish, joy, woe = s.pick(WISHES)
    s.thing(MAGIC_THINGS, look=s.pick(("old", "golden", "silver", "strange", "little", "shiny", "blue", "glowing")))
    s.say(wish=wish, joy=joy, woe=woe, dream="an ordinary day")


WISH = Plot(
    "magic_wish", "animal child adult magic", setup_wish,
    hooks=(
        ("found {t.a}", "have found {t.a}"), ("was never happy with what {he} had", "want more"),
        ("always wanted more", "want more"), ("wanted to be rich", "want to be rich"),
        ("believed in magic", "believe in magic"), ("had a secret wish", "have a secret wish"),
        ("was bored with everything", "am bored"), ("wished for many things", "wish for many things"),
        ("found a magic {t.n}", "have found a magic {t.n}"),
    ),
    scenes=(
        ("<oneday> {he} sat {q.in} with {t.own}. When {he} rubbed it, a voice said, \"You have one wish!\"",
         "<oneday> {h} cleaned {t.own}. All at once it began to glow. \"Make a wish,\" it said.",
         "<oneday> {he} picked up {t.own} {q.in}. It was warm, and it could speak! \"What do you wish for?\" it asked."),
        ("{H} did not think for long. {He} wished {wish}. And so it was! {joy}.",
         "{H} jumped for joy and wished {wish}. There was a flash. {joy}.",
         "@h(I know!) And {he} wished {wish}. At once it came true. {joy}."),
        ("{woe}.",),
        ("@h(This is not what I wanted!) <sad>", "<sad> @h(What have I done?)",
         "{H} wanted to tell somebody, but nobody could help {him}."),
        ("{He} looked for {t.the} everywhere. <atlast> {he} found it. @h(Please, can you take my wish back?)",
         "{He} took {t.the} in {his} hand and rubbed it again. @h(Please, let everything be as before!)"),
        ("\"Are you sure?\" asked {t.the}. @h(Yes! I want nothing else.) There was a flash, and all was as before.",
         "{T.the} laughed softly. \"Most of them say that,\" it said. And then everything was as before."),
        ("{H} ran home to {e}. There was [soup|bread and butter|pancakes], and it had never tasted so good.",
         "{H} looked at {his} old bed, {his} old chair and {his} old shoes, and {he} loved them all.",
         "{H} hugged {e} so hard that {e.he} had to laugh. @e(What is wrong with you?) @h(Nothing. Everything is just right.)"),
        ("And {t.the}? {H} threw it into the lake, and there it is to this day.",
         "{H.n} had learned that [you should be careful what you wish for|the best things are already here]. <sleep>",
         "From then on, {h.n} was happy with what {he} had.", "{H} buried {t.the} under a tree. <never>"),
    ),
)

BUILDS = (
    ("boat", "sank at once", "tar and a sail", "it swam like a duck"),
    ("tree house", "fell down with a crash", "a rope and nails", "it stood as firm as a rock"),
    ("raft", "broke into pieces", "strong ropes", "it carried them all the way across the lake"),
    ("kite", "would not fly", "a long tail and a string", "it flew higher than the birds"),
    ("sand castle", "was washed away by a wave", "shells and wet sand", "it had four towers and a bridge"),
    ("sled", "lost its runners", "smooth wood and wax", "it flew down the hill like an arrow"),
    ("bridge", "fell into the water", "big stones", "even the cows could walk over it"),
    ("swing", "broke on the first day", "a good rope", "it went up almost to the sky"),
    ("wagon", "lost a wheel", "four round wheels", "it rolled down the road and did not squeak"),
    ("flying machine", "only made smoke", "two big wings and a screw", "it rose slowly into the air"),
    ("snow house", "melted in the sun", "blocks of ice", "it was warm and cozy inside"),
    ("bird house", "was all crooked", "a hammer and six boards", "two birds moved in at once"),
)


def setup_build(s):
    noun, fail, tools, success = s.pick(BUILDS)
    s.person("f", named=0.9)
    s.person("g", named=0.2)
    s.thing([noun], look=s.pick(("big", "little", "real", "", "", "")))
    s.say(fail=fail, tools=tools, success=success, dream="{t.the}",
          called=s.pick(("Sea Star", "Old Friend", "Big Joy", "Brave Heart", "Three Friends", "Sunshine", "Lucky")))


BUILD = Plot(
    "build", "animal child adult machine magic", setup_build,
    hooks=(
        ("wanted to build {t.a}", "want to build {t.a}"), ("dreamed of {t.a}", "dream of {t.a}"),
        ("loved to build things", "love to build things"), ("liked to make things", "like to make things"),
        ("wanted {t.a}", "want {t.a}"), ("was building {t.a}", "am building {t.a}"),
        ("had a big plan. {He} wanted to build {t.a}", "want to build {t.a}"),
        ("could make almost anything", "can make anything"),
    ),
    scenes=(
        ("<oneday> {he} took some wood and things and began to build {t.own}.",
         "<oneday> {h} began. {He} worked on {t.own} all day long, all by {himself}.",
         "<oneday> {he} said, \"Today I will build {t.a}!\" And {he} set to work."),
        ("But when it was done, it {fail}. <sad>", "In the evening it was ready. But it {fail}.",
         "Everybody came to look. And then it {fail}! Some of them laughed."),
        ("?", "{G.intro} laughed. @g(You cannot even build a box!) But {h} did not listen.",
         "<tried> But the second one was no better.", "@h(I will never do it.) {He} kicked a stone."),
        ("<soon> {f.intro} came by. @f(It was a good idea. It only needs {tools}.)",
         "{His} friend, {f.intro}, had watched. @f(May I help you? I have {tools}.)"),
        ("@h(I wanted to do it alone.) @f(Why? With two it is more fun.) So they began again.",
         "@h([Oh yes|Really]? Please!) So they worked side by side.",
         "First {h} was too proud. But then {he} nodded. @h(Yes, please help me.)"),
        ("{H} held, and {f} hammered. They measured twice and laughed a lot. <atlast> it was done.",
         "{F} had good ideas, and {h} had quick hands. After three days it was ready.",
         "They worked until it was dark, and the next day, too."),
        ("They tried it, and {success}! <glad>", "This time {success}. @h(We did it!)",
         "Everybody came to see it. And {success}!"),
        ("They called it {called}. <friends>", "They wrote its name on it. It was called {called}. <sleep>",
         "<learned_help>", "<thanks> <learned_help>", "And on the next day, they built one for all the others, too."),
    ),
)

RULERS = (("king", "he"), ("queen", "she"), ("old king", "he"), ("young queen", "she"), ("princess", "she"), ("emperor", "he"))
# trouble | who failed | what the hero does | and so
ROYAL = (
    ("could not sleep", "The doctor brought ten pillows, but they did not help",
     "sat down next to the bed and told a long, quiet story", "before the end of it there was a royal snore"),
    ("could not laugh any more", "The clown stood on his head, but nobody laughed",
     "slipped on the smooth floor and landed in the royal soup", "there was such a laugh that the windows shook"),
    ("had lost the crown", "The soldiers looked under every stone, but it was gone",
     "looked up and saw a bird sitting in something that shone", "the crown was found, with three eggs in it"),
    ("was always cold", "The servants made ten fires, but they did not help",
     "came and gave a long, warm hug", "the cold was gone, because it had been a cold of the heart"),
    ("did not want to eat", "The cook made a hundred dishes, but they all came back",
     "brought a simple piece of bread and asked if they could eat it together", "it was all eaten up, because it is better to eat with somebody"),
    ("was sad all day", "The wise men read all their books, but they found nothing",
     "asked what nobody had asked before, \"Do you want to play with me?\"", "soon there was laughing in the whole castle"),
    ("could not stop hiccuping", "The wizard made a magic drink, but it only tasted bad",
     "came from behind and shouted, \"Boo!\"", "the hiccup was gone at once"),
    ("was bored", "The singers sang and the dancers danced, but it did not help",
     "came with a bucket and said, \"Let us go and catch frogs!\"", "it was the best day in the castle for years"),
)


def setup_king(s):
    noun, pronoun = s.pick(RULERS)
    trouble, failed, deed, outcome = s.pick(ROYAL)
    s.say(aruler="a " + noun, ruler=noun, rhe=pronoun, trouble=trouble,
          failed=failed, outcome=outcome, dream="the castle",
          reward=s.pick(("a bag of gold", "a medal", "a small castle", "a white horse", "a cake as big as a wheel",
                         "half of the land", "a crown of {his} own")),
          modest=s.pick(("a warm blanket for my {e.k}", "a bowl of soup", "to come again and play", "nothing at all",
                         "a flower from your garden")))
    s.facts["deed"] = deed


KING = Plot(
    "king", "animal child machine magic", setup_king,
    hooks=(
        ("could see the castle from {his} window", "can see the castle from my window"), ("was not rich, but {he} was clever", "am not rich"),
        ("wanted to see the {ruler}", "want to see the {ruler}"), ("worked in the castle kitchen", "work in the castle"),
        ("was small, but {he} had good ideas", "have good ideas"), ("wanted to help the {ruler}", "want to help the {ruler}"),
    ),
    own=(
        "<once>, there was {aruler} who {trouble}. Far from the castle lived {h.intro}.",
        "There was {aruler} who {trouble}. And there was also {h.intro}, who lived {home}.",
        "In a big castle lived {aruler} who {trouble}. And in a small house nearby lived {h.intro}.",
        "The {ruler} {trouble}. Everybody in the land heard of it, and so did {h.intro}.",
    ),
    scenes=(
        ("<oneday> {h} heard that the {ruler} {trouble}.", "<oneday> a man on a horse came and called, \"The {ruler} needs help!\" The {ruler} {trouble}.",
         "But there was trouble in the castle. The {ruler} {trouble}."),
        ("\"Whoever can help me will get {reward},\" said the {ruler}. Many came, and all of them failed. {failed}.",
         "Many clever people came. {failed}.", "{failed}. Then the {ruler} did not know what to do."),
        ("@h(I will try it.) Everybody laughed. @e.n(You? You are only {h.a}.) But {h} went to the castle.",
         "{H} had an idea and went to the castle. \"What do you want here?\" asked the guard. @h(I want to help.)",
         "So {h} washed {his} face and went to the castle."),
        ("The {ruler} sat on a high chair and sighed. \"Nobody can help me,\" {rhe} said.",
         "\"Well, what can you do?\" asked the {ruler}. @h(I do not know yet. Let me see.)"),
        ("{H} thought for a while. Then {he} {deed}.", "And then {h} {deed}.", "All were quiet. {H} {deed}."),
        ("And really, {outcome}!", "Nobody could believe it, but {outcome}.", "And what happened? {Outcome}!"),
        ("\"You shall have {reward}!\" said the {ruler}. {H} shook {his} head. @h(I only want {modest}.)",
         "The {ruler} gave {him} {reward}. And {h} shared it with {his} family.",
         "\"What do you wish for?\" asked the {ruler}. @h(I wish for {modest}.) The {ruler} smiled and gave it to {him}."),
        ("From that day on, {h.n} and the {ruler} were good friends.", "And so {h.n} came to the castle every week. <never>",
         "{H.n} had learned that [a simple idea is often the best|a kind heart can do more than gold]. <sleep>"),
    ),
)

# An old or odd one is laughed at, and then needed for what makes it odd.
ODD = (
    ("a very long nose", "The little ones fell into a deep hole, and nobody could reach them", "reached down with {his} long nose and pulled them out"),
    ("a squeaky voice", "A thick fog came, and nobody found the way home", "squeaked as loud as {he} could, and all of them followed the sound"),
    ("a light on {his} head that never went out", "One night, all the lamps in the land went out", "stood on the hill, and {his} light showed everybody the way"),
    ("big flat feet", "Deep snow fell, and all the others were stuck", "walked on top of the snow and brought food to everybody"),
    ("a crooked tail", "A boat drifted away with three little ones in it", "caught the boat with {his} crooked tail and pulled it back"),
    ("very big ears", "Far away, somebody called for help, and nobody could hear it", "heard it with {his} big ears and saved the lost one"),
    ("green spots", "A hunter came, and everybody had to hide", "lay down in the grass and covered them all with {his} green spots"),
    ("a loud laugh", "A bad dream came over the whole village, and everybody was sad", "laughed {his} loud laugh, and soon they all had to laugh, too"),
    ("only one arm", "The key fell into a narrow crack", "put {his} one thin arm into the crack and got it"),
    ("a bent neck", "The little ones could not see over the wall", "bent down, and they all climbed up and saw the show"),
)


def setup_odd(s):
    trait, danger, deed = s.pick(ODD)
    s.person("f", look=s.pick(("proud", "fast", "pretty", "loud", None)), named=0.7)
    s.say(trait=trait, danger=danger, dream="{his} new friends")
    s.facts["deed"] = deed


ODD_ONE = Plot(
    "odd_one", "animal machine toy magic", setup_odd,
    hooks=(
        ("had {trait}", "have {trait}"), ("was not like the others. {He} had {trait}", "am not like the others"),
        ("looked different. {He} had {trait}", "look different"), ("was sad because {he} had {trait}", "am sad because I have {trait}"),
        ("was different from all the others", "am different"), ("had {trait}, and everybody laughed at {him}", "have {trait}"),
    ),
    scenes=(
        ("{F.intro} laughed at {him}. @f(Look at you! You have {trait}!)",
         "When they played, nobody wanted to be with {him}. @f.first(Go away! You look funny with {trait}.)",
         "Because of {trait}, all the others made jokes about {him}. The loudest was {f.first}."),
        ("<sad> @h(I wish I was like all the others.)", "{H} hid {q.in} and did not come out any more.",
         "{H} tried to hide it, but it did not work. @e(You are good as you are.) But {he} did not believe it."),
        ("Then something happened. {danger}.", "<oneday> there was a great trouble. {danger}.",
         "But then came a bad day. {danger}."),
        ("{F} cried, \"What shall we do?\" Nobody knew.", "They ran here and there. Nobody could help.",
         "The strong ones tried. The clever ones tried. But it did not help."),
        ("Then {h} came. @h(I think I can do it.) And {he} {deed}.",
         "{H} took a deep breath. {He} {deed}.", "@h(Let me try!) And what did {he} do? {He} {deed}."),
        ("All of them cheered. {F} came to {him} and looked at the ground. @f(I am sorry that I laughed at you.)",
         "@f(You saved us! Can you forgive me?) @h(Yes, I can.)"),
        ("From that day on, nobody laughed at {h.n} any more. Everybody wanted to be {his} friend.",
         "And {h.n} was proud of {trait}. <friends>", "{H.n} had learned that [it is good to be different|what makes you different makes you special]. <sleep>",
         "@f(I wish that I had {trait}, too.) And {h.n} laughed, and was happy."),
    ),
)

LITTLE_LOST = (
    ("a little star", "in the grass", "fell out of the sky", "the sky", "sneezed"),
    ("a baby bird", "under a bush", "fell out of the nest", "the tall tree", "stretched too far"),
    ("a baby whale", "on the beach", "was left on the sand", "the sea", "followed a bright fish"),
    ("a small cloud", "behind a bush", "drifted down to the ground", "the sky", "fell asleep"),
    ("a moonbeam", "in a puddle", "slid down too far", "the moon", "wanted to play"),
    ("a baby turtle", "on the road", "went the wrong way", "the sea", "turned left at the big stone"),
    ("a tiny dragon", "in the barn", "was blown here by the wind", "the mountains", "tried to fly"),
    ("a little snowflake", "on a warm stone", "came down too early", "the cold hills", "could not wait for winter"),
)


def setup_little(s):
    noun, where, fell, goal, cause = s.pick(LITTLE_LOST)
    s.person("f", lambda kind: "f" in kind or "b" in kind or "s" in kind,
             look=s.pick(("big", "old", "strong", "wise", "kind")), group="animal")
    first, second = s.rng.sample((
        "{H} put it on {his} head and jumped as high as {he} could. But it was too far.",
        "{H} built a tower of stones. But the tower fell down.",
        "{H} carried it for a while. But soon {he} was too tired.",
        "{H} asked the wind. But the wind was asleep.",
        "{H} made a little cart. But the cart broke."), 2)
    s.say(little=noun, where=where, fell=fell, goal=goal, cause=cause, fail=first, fail2=second,
          littlen=noun.split(" ", 1)[1], dream="the {littlen}")


LITTLE_ONE = Plot(
    "little_lost_one", "animal child adult machine magic", setup_little,
    hooks=(
        ("found {little} {where}", "have found {little}"), ("was out for a walk", "want to go for a walk"),
        ("liked to look at the sky", "like to look at the sky"), ("was kind to everybody", "like to help"),
        ("wanted to take care of somebody", "want to take care of somebody"), ("had a good heart", "like to help"),
        ("saw {little} {where}", "have seen {little}"),
    ),
    scenes=(
        ("<oneday> {he} found {little} {where}. It was crying. @h(What happened to you?)",
         "<oneday> {h} heard a tiny voice. {Where} sat {little}. @h(Where do you come from?)",
         "There it was, {little}, {where}. It shook with cold. @h(Do not be afraid.)"),
        ("\"I {cause}, and then I {fell},\" said the {littlen}. \"Now I want to go back to {goal}.\"",
         "\"I {fell},\" said the {littlen}, \"and I cannot get back to {goal}.\""),
        ("@h(I will bring you home.) {fail}", "{H} wanted to help. {fail}",
         "@h(We will find a way.) {fail}"),
        ("{fail2} The {littlen} grew weaker and weaker.", "The {littlen} cried softly. @h(I will not leave you.)",
         "{fail2} <tried>"),
        ("<then> {f.intro} came by. @f(I know the way to {goal}. Climb on my back, both of you!)",
         "{H} ran to {f.intro}. @h(Can you help us? This is {little}, and it must go back to {goal}.) @f(Climb up!)"),
        ("They went as fast as they could, all day and all night, and at last they came to {goal}.",
         "{F} carried them, over hills and fields. <atlast> they were close to {goal}."),
        ("\"Thank you, {h.voc}!\" said the {littlen}. \"I will never forget you.\" And it was home again.",
         "The {littlen} laughed and danced. \"I am home! Thank you!\" it said. {H} was happy and a little bit sad."),
        ("And sometimes, when {h.n} looks at {goal}, somebody waves back.",
         "<thanks> That night, {h.n} dreamed of {dream}.",
         "<never> And once a year the {littlen} comes to visit.",
         "{H.n} had learned that [sometimes to love means to let go|even the smallest can need a friend]. <sleep>"),
    ),
)

PLOTS = (SEED, WISH, BUILD, KING, ODD_ONE, LITTLE_ONE)
