"""Plots about going out: getting lost, helping on the way, seeing the world."""

from .story import Plot

LURES = ("a blue butterfly", "a shiny beetle", "a golden leaf in the wind", "a little blue light",
         "a red balloon", "a white feather", "a bright light", "a soap bubble", "a running rabbit",
         "a trail of colored stones", "a strange bird", "a yellow kite")


def setup_lost_way(s):
    s.person("f", lambda kind: "f" in kind or "l" in kind or s.world != "land",
             look=s.pick(("old", "wise", "kind", "friendly", "gentle", None)))
    s.say(lure=s.pick(LURES), dream="{e}",
          dread=s.pick(("Every path looked the same", "The shadows grew longer and longer",
                        "Strange sounds came from everywhere", "The wind was cold",
                        "It was dark, and it began to rain", "Nothing looked as it had before")))


LOST_WAY = Plot(
    "lost_way", "animal child machine magic water toy sky", setup_lost_way,
    hooks=(
        ("was very curious", "want to see everything"), ("loved to explore", "love to explore"),
        ("liked to chase everything that moved", "like to chase things"),
        ("always wanted to know what was behind the next corner", "want to know everything"),
        ("often forgot the time", "often forget the time"), ("went for a walk", "want to go for a walk"),
        ("lived with {e}", "live with {e}"), ("loved {e} very much", "love {e}"),
        ("was lost", "am lost"), ("liked to wander about", "like to wander about"),
    ),
    own=(
        "One day, {h.intro} went {q.to} with {e}. There {he} saw {lure} and followed it.",
        "{H.n} and {his} {e.k} went {q.to}. {H.n} saw {lure} and ran after it, farther and farther.",
        "{H.n} the {h.k} was lost. {He} had followed {lure}, and now {he} did not know where {he} was.",
        '"Stay close to me," said {e} to {h.n} the {h.k}. But then {h.n} saw {lure} and followed it.',
    ),
    scenes=(
        ("<oneday> {he} went {q.to}. There {he} saw {lure} and followed it, farther and farther.",
         "<oneday> {h} saw {lure}. {He} followed it {q.to}, and then farther, and farther.",
         "<oneday> {he} was {q.in} with {e}. {H} saw {lure} and went after it."),
        ("After a while, it was gone. {H} looked around. {He} did not know this place.",
         "When {he} stopped, nothing looked like home. @h(Where am I?)",
         "<then> it was gone, and {h} stood still. @h(Which way is home?) But nobody answered."),
        ("{H} went left, and {he} went right. {dread}. <sad>", "{dread}. @h(I want to go home.)",
         "{dread}. {H} called for {e}, but only an echo came back. <sad>"),
        ("Then {he} saw two eyes in the dark. It was {f.intro}. <asks> @h(I am lost, and I want to go home.)",
         "<then> {f.intro} came by. @f(Why are you out here all alone?) @h(I cannot find the way home.)",
         "@f.first(Who is crying here?) @h(It is me, {h.n}. I am lost.)"),
        ("@f(Where do you live?) @h(I live {home}.) @f(I know that place. Come with me, I will show you the way.)",
         "@f(Do not be afraid. From above, I can see the whole land. Follow me.)",
         "@f(What can you see from your home?) @h(I can see [the big moon|a red roof|a tall tree|the hills].) @f(Then I know where it is!)"),
        ("{F} went ahead, and {h} followed. They went on and on. <atlast> {h} saw {his} home.",
         "They talked and sang on the way, and {h} was not afraid any more. Soon they saw a light. It was home!",
         "{H} held on to {f} all the way. And there, at last, was home."),
        ("{E} was waiting at the door. @e(There you are! I was so worried.) {H} fell into {e.his} arms.",
         "{E} ran out and hugged {him}. @e(I looked for you everywhere!) @h(I am sorry. I will never run off again.)",
         "There stood {e} with a lamp. {E.he} hugged {h.n} for a long time."),
        ("{F} got a cup of warm milk, too. <thanks>", "<thanks> <friends>",
         "<thanks> And {h.n} never went so far away alone again.",
         "{H.n} had learned that [it is good to look back now and then|home is the best place of all]. <sleep>"),
    ),
)

# trouble | first try | it fails | second try that works
STUCK = (
    ("had fallen into a deep hole", "{H} reached down, but the hole was too deep.",
     "{H} found a long branch and put it into the hole. {G} climbed up, step by step"),
    ("was stuck in the mud", "{H} pulled and pulled, but the mud did not let go.",
     "{H} laid a board on the mud and pulled with a rope. With a loud plop, {g} came free"),
    ("was caught in a net", "{H} pulled at the net, but it only got tighter.",
     "{H} looked for the knot and opened it, bit by bit. The net fell down, and {g} was free"),
    ("was stuck between two stones", "{H} pushed at the stones, but they were too heavy.",
     "{H} put a strong stick between the stones and pressed it down. The stones moved, and {g} got out"),
    ("had a thorn in {g.his} foot", "{H} wanted to look at it, but {g} shook with fear.",
     "{H} sang softly until {g} was quiet, and then pulled the thorn out"),
    ("sat high up in a tree and could not get down", "{H} called to {g.him} to jump, but {g} was too afraid.",
     "{H} found a ladder and leaned it against the tree. {G} came down, step by step"),
    ("had a jar stuck on {g.his} head", "{H} pulled at the jar, but it did not move.",
     "{H} rubbed butter around the rim and turned it slowly. Pop! The jar came off"),
    ("was caught in a thorn bush", "{H} pulled, but the thorns only held tighter.",
     "{H} bent the branches away, one by one, until {g} could come out"),
    ("was sitting on a log in the middle of the river", "{H} threw a stone to stop the log, but it went on.",
     "{H} threw a long rope. {G} held on, and {h} pulled {g.him} to the bank"),
)


def setup_rescue(s):
    trouble, fail, solved = s.pick(STUCK)
    s.person("g", look=s.pick(("young", "small", "big", "old", "scared", "little", None)), named=0.7)
    s.say(trouble=trouble, fail=fail, solved=solved, dream="{g.n}",
          back=s.pick(("showed {h.n} where the sweetest berries grow", "brought {h.n} a basket full of apples",
                       "carried {h.n} home on {g.his} back", "gave {h.n} a bright stone",
                       "invited {h.n} to a big supper", "sang a song that only {g.k} folk know")))


RESCUE = Plot(
    "rescue", "animal child adult machine magic", setup_rescue,
    hooks=(
        ("wanted to be a hero", "want to be a hero"), ("liked to help others", "like to help others"),
        ("was small, but {he} had a big heart", "am small, but I can help"),
        ("was on the way {q.to}", "am going {q.to}"), ("was always kind", "like to help"),
        ("thought that {he} was too small to help anybody", "am too small to help anybody"),
        ("was [bored|taking a walk|out for a walk]", "am bored"),
    ),
    own=(
        "One day, {h.intro} was walking {q.to} when {he} heard a cry. \"[Help|Help me]! Please help me!\"",
        '"Help! Help!" somebody cried. {H.n} the {h.k} stopped and listened.',
        "{H.n} the {h.k} was on the way {q.to}. <then> {he} heard somebody crying.",
    ),
    scenes=(
        ("<oneday> {he} {h.went} {q.to}. Then {he} heard somebody call, \"Help! Help!\"",
         "<oneday> {h} was {q.in} when {he} heard somebody cry.",
         "<oneday> {he} heard a sad voice. \"Is anybody there? Please help me!\""),
        ("{He} followed the voice and found {g.intro}. {G.he} {trouble}.",
         "{H} looked around. There was {g.intro}, who {trouble}."),
        ("@h(Do not be afraid. I will help you!) {fail}", "{H} did not wait. {fail}",
         "@g(Can you help me?) @h(I will try.) {fail}"),
        ("?", "@g([It is no use|Nobody can help me now].) @h(Wait. I will think of something.)",
         "{H} called for others, but nobody was near. {He} had to do it alone.",
         "@g(It is getting dark. Please do not leave me!) @h(I will stay with you.)"),
        ("{H} sat down and thought. Then {he} had an idea. {solved}.",
         "<tried> {solved}.",
         "Then {he} thought of what {e} would do. {solved}."),
        ("@g(You saved me!) {G} was so happy that {g.he} cried. @h(I am just glad that you are safe.)",
         "@g([How can I ever thank you|What can I do for you]?) @h(You do not have to. I was glad to help.)",
         "{G} took a deep breath. @g(Thank you, {h.voc}! You are a real hero.)"),
        ("The next day, {g} came and {back}. From then on they were friends.",
         "Then {g} {back}. <never>",
         "And to say thank you, {g} {back}.",
         "Some days later, {h.n} slipped and fell into a ditch. And who came to help? It was {g.n}! @g(Now it is my turn.)"),
        ("When {h.n} told the story at home, {e} was very proud. <sleep>",
         "<learned_brave>", "{H.n} had learned that [nobody is too small to help|a good idea is better than strong arms].",
         "That night, {h.n} felt very big. <sleep>"),
    ),
)

NOISES = (
    ("tap, tap, tap", "a branch was tapping at the window. And on the branch sat {g.intro}, cold and wet"),
    ("scratch, scratch", "{g.intro} sat in a bucket and could not get out"),
    ("boo hoo, boo hoo", "{g.intro} sat behind the house and cried. {G.he} had lost {g.his} way"),
    ("bump, bump, bump", "{g.intro} was trying to open the door with {g.his} head"),
    ("achoo, achoo", "{g.intro} sat in the cold and had to sneeze"),
    ("crunch, crunch", "{g.intro} was eating an old apple. {G.he} was very hungry"),
    ("squeak, squeak", "{g.intro} was playing with the garden gate, all alone"),
    ("ooooh, ooooh", "{g.intro} was singing to the moon, and {g.he} sang very badly"),
)


def setup_noise(s):
    noise, truth = s.pick(NOISES)
    s.person("g", look=s.pick(("little", "small", "tiny", "baby", "young")), named=0.6, group="animal")
    s.say(noise=noise, dream="{g.n}", fright=s.pick((
        "a monster with ten teeth", "a ghost", "a hungry wolf", "a giant", "a dragon", "a thief", "a night witch")))
    s.facts["truth"] = truth


NOISE = Plot(
    "night_noise", "animal child adult magic", setup_noise,
    hooks=(
        ("could not sleep", "cannot sleep"), ("was afraid at night", "am afraid at night"),
        ("heard something", "hear something"), ("heard a strange noise", "hear a strange noise"),
        ("was alone in the house", "am alone"), ("did not like the night", "do not like the night"),
        ("was awake", "am awake"), ("was in bed, but {he} was not tired", "am not tired"),
    ),
    scenes=(
        ("Then there was a noise. {Noise}! {H} sat up in bed.", "{Noise}! What was that? {H} pulled the blanket over {his} head.",
         "All was quiet. But then it went {noise}. {H} held {his} breath.", "In the middle of the night {he} heard it. {Noise}!"),
        ("@h(Maybe it is {fright}!) {His} heart beat like a drum.",
         "{He} thought of {fright}. {He} wanted to call {e}, but no sound came out.",
         "Was it {fright}? {H} shook all over."),
        ("It came again. {Noise}! {H} took a [lamp|candle|lantern] and got up. @h(I want to know what it is.)",
         "But {h} was also curious. {He} put on {his} slippers and took a [lamp|candle].",
         "{He} counted to three and jumped out of bed. @h(I am not afraid. Well, just a little.)"),
        ("Step by step {he} went to the door and opened it.", "{H} tiptoed along the wall and looked outside.",
         "Very slowly, {he} opened the door. The light of the lamp fell on the ground."),
        ("And what did {he} see? It was not {fright} at all! {Truth}.", "But there was no monster. {Truth}.",
         "{H} had to laugh. {Truth}."),
        ("@g([Please do not be angry|I am sorry]! I did not want to wake you.) @h(You scared me! But come in, it is cold.)",
         "@h(Was that you?) @g(Yes. I was afraid, too.) @h(Then come in. Together we do not have to be afraid.)"),
        ("{H} gave {g} some warm milk and half of the blanket.", "{H} made a small bed for {g} next to the oven.",
         "They shared a piece of bread and told each other stories."),
        ("Soon both of them were fast asleep. And the night was quiet again.",
         "From that night on, when {h} heard a noise, {he} only smiled. <learned_brave>",
         "In the morning, {g} went home. But {g.he} came back every night to say good night.",
         "@h(Good night, {g.voc}.) @g(Good night, {h.voc}.) And then there was only a soft snore.",
         "<learned_brave>"),
    ),
    own=(
        "One night, {h.intro} woke up. There was a noise. {Noise}!",
        "It was the middle of the night when {h.n} the {h.k} heard it. {Noise}!",
        '"What was that?" asked {h.n} the {h.k}. It was dark, and something went {noise}.',
        "{Noise}! {H.n} the {h.k} sat up in bed.",
    ),
    night=True,
)

# goal | how it is seen from home | what it is like when at last they come there
GOALS = (
    ("the sea", "heard about the sea in a song", "The water was so wide that it touched the sky"),
    ("the snow", "saw white tops far away", "Everything was white and quiet, and it crunched under {his} feet"),
    ("the end of the rainbow", "saw a rainbow over the hills", "There was no gold, but everything shone in seven colors"),
    ("the top of the mountain", "looked up to the mountain every day", "The whole world lay at {his} feet, small and bright"),
    ("the big city", "saw the lights of the city at night", "There were a thousand lamps, and music in every street"),
    ("the place where the river begins", "asked where the river came from", "A tiny spring came out of a stone and sang"),
    ("the moon", "looked at the moon every night", "From the highest hill, the moon was so close that {he} could almost touch it"),
    ("the place where the sun goes to sleep", "saw the sun go down every evening", "The sun sank into the water, red and gold"),
    ("the singing tree", "had heard of a tree that can sing", "The wind went through the leaves, and the tree sang softly"),
    ("the garden of the queen", "had heard of a garden full of roses", "There were roses in all colors, and the queen gave {him} one"),
    ("the great waterfall", "had heard of water that falls from the sky", "The water fell down like thunder, and little rainbows danced in it"),
)
BLOCKS = (
    ("a wide river", "{g} carried {him} across", "sat in a boat"),
    ("a high wall", "{g} showed {him} a little door", "lived in the wall"),
    ("a dark forest", "{g} walked in front with a lamp", "knew every tree"),
    ("a thick fog", "{g} held {his} hand and went ahead", "was used to the fog"),
    ("a steep hill", "{g} pulled {him} up with a rope", "lived on the hill"),
    ("a deep valley", "{g} led {him} over an old bridge", "was looking after the valley"),
)


def setup_journey(s):
    goal, heard, sight = s.pick(GOALS)
    block, way, where = s.pick(BLOCKS)
    s.person("g", look=s.pick(("old", "friendly", "strong", "kind", "big", None)), named=0.5)
    s.say(goal=goal, heard=heard, sight=sight, dream=goal, block=block, where=where,
          pack=s.pick(("a piece of bread", "an apple and a blanket", "a bottle of water", "some nuts", "a small lamp",
                       "two pancakes and a hat")))
    s.facts["way"] = way


JOURNEY = Plot(
    "journey", "animal child adult machine magic", setup_journey,
    hooks=(
        ("wanted to see {goal}", "want to see {goal}"), ("had never seen {goal}", "have never seen {goal}"),
        ("dreamed of {goal}", "dream of {goal}"), ("had always wanted to go to {goal}", "want to go to {goal}"),
        ("wanted to see the world", "want to see the world"), ("wanted to travel to {goal}", "want to travel to {goal}"),
        ("had one big wish. {He} wanted to see {goal}", "want to see {goal}"),
        ("went on a long journey to {goal}", "am going to {goal}"),
    ),
    own=(
        "One morning, {h.intro} packed {pack} and set off to find {goal}.",
        "{H.n} the {h.k} was on the way to {goal}. {He} had {pack} in {his} bag.",
        '"Good bye!" said {h.n} the {h.k} to {e}. "I am going to see {goal}."',
    ),
    scenes=(
        ("{He} {heard}. So <oneday2> {he} packed {pack} and set off to find {goal}.",
         "<oneday> {he} said to {e}, \"I am going to find {goal}.\" {He} packed {pack} and left.",
         "<oneday> {h} could not wait any more. {He} took {pack}, said good bye to {e} and set off to {goal}.",
         "@e(It is a long way to {goal}.) But <oneday2> {h} packed {pack} and went."),
        ("{He} walked all day. Then {he} came to {block}. {H} could not go on.",
         "The way was long, and {his} feet hurt. And then there was {block} in front of {him}.",
         "First the road was easy. But after two days {he} came to {block}."),
        ("<sad> @h(Now I will never see {goal}.)", "{H} wanted to turn back. But {goal} was calling {him}.",
         "@h(How can I go on?) {He} sat down and ate a little of {his} food."),
        ("There {he} met {g.intro}, who {where}. @g(Where do you want to go?) @h(I want to see {goal}.)",
         "{G.intro}, who {where}, saw {him}. @g(What brings you here?) @h(I am on my way to {goal}.)"),
        ("@g([That is a fine thing|I wanted to see that, too, when I was young]. I will help you.) And {way}.",
         "@g(Share your food with me, and I will help you.) {H} shared it gladly. Then {way}.",
         "@g(Nobody should go there alone.) And so {way}."),
        ("They went on together, over one more hill and through one more field. And then they were there.",
         "{H} thanked {g} and went on. And on the next morning, {he} was there.",
         "@g(Just follow the birds.) {H} did so, and in the evening {he} came to {goal}."),
        ("{sight}. {H} stood still and could not say a word.", "{sight}. @h(It is even more beautiful than I thought.)",
         "At last! {sight}. <glad>"),
        ("Then {he} went home and told {e} all about it. <sleep>",
         "{He} stayed until the stars came out. Then {he} went home, full of stories.",
         "<never> And the friends that {he} met on the way were the best part.",
         "{H.n} had learned that [every long way begins with one step|a way is never too long for a big wish]. <never>",
         "And when {he} was old, {he} still told the little ones about {goal}."),
    ),
)


def setup_storm(s):
    s.person("f", look=s.pick(("kind", "poor", "small", "friendly")), named=0.7)
    s.person("g", look=s.pick(("rich", "proud", "big", "grumpy")), named=0.3)
    s.say(storm=s.pick(("a big storm", "a heavy rain", "a snow storm", "a wild wind")),
          excuse=s.pick(("My house is full", "You are too wet", "I do not know you", "My carpet is new")),
          house=s.pick(("a tiny hut", "a hollow tree", "a small cave", "a little old house", "a hut with a hole in the roof")),
          dream="the little house")


STORM = Plot(
    "storm", "animal child adult machine magic", setup_storm,
    hooks=(
        ("was far from home", "am far from home"), ("was on the way home", "am on my way home"),
        ("lived in a house of straw", "live in a house of straw"), ("was cold and wet", "am cold and wet"),
        ("was out in the rain", "am out in the rain"), ("had lost {his} home", "have lost my home"),
        ("was looking for a new home", "am looking for a new home"),
    ),
    own=(
        "It was a cold and windy night. {H.intro} was far from home when {storm} came up.",
        "{H.n} the {h.k} was out in {storm}. {He} was wet and cold.",
        "{H.n} the {h.k} was cold. There was {storm}, and {he} had no home.",
    ),
    scenes=(
        ("<oneday> {storm} came up. {H} was [cold|wet and cold] and did not know where to go.",
         "Dark clouds came, and there was {storm}. {H} had no roof over {his} head.",
         "All at once there was {storm}. It was so strong that {h} could hardly walk."),
        ("{He} saw a big house with bright windows and knocked. {G.intro} opened. @h(May I come in?) @g([No|Go away]! {excuse}.)",
         "First {he} knocked at a fine door. {G.intro} looked out. @g({excuse}. Go away!) And the door was shut."),
        ("<sad> The wind blew harder and harder.", "{H} went on, step by step, and shook with cold.",
         "@h(Is there nobody who will let me in?) But only the wind answered."),
        ("Then {he} saw a small light. It was {house}. There lived {f.intro}. @f(Come in, come in! You must be cold.)",
         "At the end of the road there was {house}. {F.intro} stood at the door. @f(Quick, come in!)"),
        ("There was not much room, and there was only thin soup. But it was warm, and they laughed a lot.",
         "{F} gave {him} dry clothes and the last piece of bread. @f(It is not much.) @h(It is all that I need.)",
         "It was so small that their feet almost touched the door. But it was warm and cozy."),
        ("In the night, there was a knock. It was {g}! The storm had taken the roof of the big house. @g(Please, may I come in?)",
         "Late at night somebody cried outside. It was {g}. A tree had fallen on the fine house."),
        ("{F} looked at {h}. Then they both moved a little. @f(There is always room for one more.)",
         "@h(You sent me away.) {G} looked at the ground. @g(I am sorry.) @f(Come in. The soup is still warm.)"),
        ("In the morning, the sun was shining. They all built a new roof together, and {g} never sent anybody away again.",
         "When the storm was over, {g} invited them both to live in the big house. @g(What is a big house without friends?)",
         "{H.n} had learned that [a small house with a big heart has room for all|it is not the house that makes you warm]. <friends>"),
    ),
)

WARNINGS = (
    ("go near the old well", "leaned over the edge of the old well", "fell in with a splash"),
    ("eat the green berries", "ate a whole hand full of the green berries", "got a terrible belly ache"),
    ("climb on the wet rocks", "climbed up on the wet rocks", "slipped and could not get down"),
    ("walk on the thin ice", "took one step on the ice, and then one more", "broke through with a crack"),
    ("touch the bee hive", "poked the bee hive with a stick", "was chased by all the bees"),
    ("play in the deep mud", "jumped into the deepest mud", "got stuck up to {his} belly"),
    ("open the garden gate", "opened the gate, just a little bit", "could not stop the wind from taking all the clean clothes"),
    ("shout in the snowy valley", "shouted as loud as {he} could", "was covered by a big heap of snow"),
    ("swing on the old branch", "swung on the old branch, higher and higher", "landed in the pond"),
)


def setup_warned(s):
    rule, deed, result = s.pick(WARNINGS)
    s.person("f", look=s.pick(("strong", "kind", "old", "big", None)))
    s.say(rule=rule, deed=deed, result=result, dream="{e}")


WARNED = Plot(
    "warned", "animal child magic", setup_warned,
    hooks=(
        ("never listened", "do not want to listen"), ("did not like rules", "do not like rules"),
        ("was too curious", "want to know why"), ("always said, \"I know!\"", "know everything"),
        ("lived with {e}", "live with {e}"), ("always did what {he} wanted", "do what I want"),
        ("was a bit naughty", "am not naughty"), ("thought that {he} knew everything", "know everything"),
    ),
    own=(
        '"Do not {rule}," said {e} to {h.n} the {h.k}. But {h.n} did not listen.',
        "{H.n} was told not to {rule}. {He} was {h.a}, and {he} wanted to know why.",
    ),
    scenes=(
        ("<oneday> {e} said, \"You may play outside. But do not {rule}!\"",
         "@e(Do not {rule}.) @h(Why not?) @e(Because it is dangerous.)",
         "Every day {e} said, \"Do not {rule}.\""),
        ("But when {e} was gone, {h} thought, \"Just once.\" {He} {deed}.",
         "But {h} was so curious. {He} looked left and right, and then {he} {deed}.",
         "@h(Nothing will happen.) And {he} {deed}."),
        ("And what happened? {He} {result}. @h([Help|Oh no]! [Help me|I want to go home]!)",
         "And then, oh dear, {he} {result}. {H} cried for help."),
        ("<soon> {f.intro} heard {him} and came running. @f(Hold on! I am coming!)",
         "Luckily {f.intro} was near. @f(Stay calm, {h.voc}. I will help you.)"),
        ("It took a long time, but {f} helped {him}, and brought {him} home.",
         "{F} knew what to do and helped {h}. Then {f.he} took {him} home to {e}."),
        ("{E} put {him} to bed with a cup of warm tea. @h(I am sorry. I did not listen.)",
         "@h(I did it, and I am sorry.) {E} sighed. @e(I am only glad that you are safe.)"),
        ("@e(I do not say it to be mean. I say it because I love you.) {H} nodded.",
         "@e(Now you know why.) And {h} really knew."),
        ("<learned_listen>", "<learned_listen> <sleep>", "<thanks> <learned_listen>",
         "And when {e} said something again, {h.n} pricked up {his} ears. Well, almost always."),
    ),
)

TREASURES = (
    ("a box full of old books", "They read a story every evening"),
    ("a music box that still played", "They danced to it every night"),
    ("a tree full of golden apples", "They ate until they were full and took seeds home"),
    ("a letter that said, \"The real treasure is the friend at your side\"", "They looked at each other and laughed"),
    ("a chest full of hats and coats", "They dressed up as kings and sailors all day"),
    ("a bag of strange seeds", "They planted them, and soon there was a garden full of flowers"),
    ("a small boat with a red sail", "They sailed across the lake every summer"),
)
CLUES = (
    "go to the tree with two tops", "look behind the waterfall", "cross the bridge that sings",
    "walk ten steps to the sun", "turn left at the stone that looks like a bear", "knock three times on the old door",
    "follow the stream up the hill", "look under the biggest mushroom", "wait until the shadow points at the rock",
)


def setup_map(s):
    s.person("f", named=1.0)
    treasure, use = s.pick(TREASURES)
    first, second, third = s.rng.sample(CLUES, 3)
    s.say(treasure=treasure, use=use, clue=first, clue2=second, clue3=third, dream="the treasure",
          found=s.pick(("in a bottle", "in an old book", "under a stone", "in the attic", "behind a picture",
                        "in the pocket of an old coat")))


MAP = Plot(
    "treasure_map", "animal child adult magic", setup_map,
    hooks=(
        ("found an old map", "have found a map"), ("wanted to find a treasure", "want to find a treasure"),
        ("dreamed of adventures", "dream of adventures"), ("had an old map", "have a map"),
        ("loved secrets", "love secrets"), ("was looking for a treasure", "am looking for a treasure"),
    ),
    own=(
        "{H.n} and {his} friend {f.n} the {f.k} went {q.to}. {H.n} was {h.a}. There was a paper {found}, and it was a map of a treasure!",
        "{H.n} the {h.k} and {f.n} the {f.k} found an old map {found}. There was a red cross on it.",
        "One day, {h.intro} found a map {found}. It was the map of a treasure!",
    ),
    pairs=(
        "{H.n} and {f.n} found an old map {found}. There was a red cross on it.",
        "{H.n} and {f.n} were playing {q.in}. There was a paper {found}. It was a map of a treasure!",
        "One day, {h.n} and {f.n} found a map {found}.",
    ),
    scenes=(
        ("<oneday> {he} looked at an old map that {he} had found {found}. There was a red cross on it!",
         "<oneday> {h} was playing {q.in}. There was a paper {found}. It was a map of a treasure!"),
        ("{He} ran to {f.first}. @h(Look! Will you come with me?) @f(A treasure? Of course!)",
         "@f.first(What does it say?) @h(It shows a treasure! Let us go together.)"),
        ("On the map it said, \"First {clue}.\" They did, and it was not easy to find.",
         "@h(First we must {clue}.) They walked and looked, and at last they found the place."),
        ("Then it said, \"Now {clue2}.\" {F} saw it first. @f(There it is!)",
         "@f(Next we must {clue2}.) It took them half of the day.",
         "The next sign said, \"{Clue2}.\" {H} was tired, but {f.n} held {his} hand."),
        ("?", "It began to rain, and they were hungry. @h(Shall we go home?) @f(No, we are so close!)",
         "They heard a noise. But it was only a frog."),
        ("The last words were, \"{clue3}, and dig.\" So they dug, deeper and deeper. And then, clonk!",
         "@f(The last one says, {clue3}.) They did it. And there was something in the ground!"),
        ("They opened it with beating hearts. It was {treasure}.", "And what was it? It was {treasure}!",
         "There was no gold at all. There was {treasure}."),
        ("{use}. And {h.n} hung the old map over {his} bed. <never>", "{use}. <friends>",
         "{use}. @h(This is better than gold.) And {f.n} thought so, too.",
         "{use}. And then they drew a new map, for somebody else to find."),
    ),
)

PLOTS = (LOST_WAY, RESCUE, NOISE, JOURNEY, STORM, WARNED, MAP)
