"""Plots about wishing, trying, being afraid and becoming brave."""

from .story import Plot


def any_hero(hero):
    return True


def winged(hero):
    return "f" in hero.kind


def walks(hero):
    return hero.kind.group not in ("water", "sky", "machine")


def not_wet(hero):
    return walks(hero) and "s" not in hero.kind and hero.kind.group != "toy"


def with_hands(hero):
    return hero.kind.group in ("child", "adult", "magic") or hero.kind.noun in (
        "monkey", "bear", "panda", "mouse", "raccoon", "fox", "cat", "rabbit", "robot", "squirrel")


def noisy_beast(hero):
    return hero.kind.noun in ("lion", "lion cub", "tiger", "bear", "dragon", "wolf", "monster", "dinosaur")


# fits | to do it | did it | while doing it | ways to fail | advice | how it went well
SKILLS = (
    (winged, "fly", "flew", "flying",
     ("{H} jumped from a rock and fell on {his} nose.", "{H} jumped from a chair and landed with a bump.",
      "{He} ran and jumped, but {he} only fell into a bush."),
     ("Do not look down. Look at the sky", "Do not fight the wind. Let it carry you",
      "Take a deep breath and be as light as a leaf"),
     ("{He} rose up, higher and higher, over the trees and over the hills.",
      "The wind lifted {him} up, and the ground was far below.")),
    (not_wet, "swim", "swam", "swimming",
     ("{H} put one foot in the water and jumped back. It was so cold!", "{He} kicked and splashed, but {he} went under.",
      "{He} swallowed so much water that {he} had to cough."),
     ("Lie on your back first. The water will hold you", "Do not be afraid. Kick slowly, one, two, one, two",
      "Start where the water is not deep"),
     ("{He} kicked slowly, and the water carried {him}.", "{He} swam all the way to the other side and back.")),
    (walks, "dance", "danced", "dancing",
     ("{H} turned around twice and fell over {his} own feet.", "{He} jumped left when everybody jumped right.",
      "{He} stepped on somebody's toes, and everybody laughed."),
     ("Do not think of your feet. Listen to the music", "Close your eyes and feel the drum",
      "Start slowly, one step and then the next"),
     ("{His} feet found the way alone, and {he} turned like a leaf in the wind.",
      "{He} danced around and around, and everybody clapped.")),
    (any_hero, "sing", "sang", "singing",
     ("{H} opened {his} mouth, but only a squeak came out.", "{He} sang so loud and so wrong that the birds flew away.",
      "{H} tried to sing a high note and had to cough."),
     ("Sing softly first, as if you sing to a baby", "Think of something that you love, and then sing",
      "Take a deep breath down to your belly"),
     ("A clear and sweet song came out, and all who heard it stood still.",
      "{His} song was so beautiful that everybody listened.")),
    (walks, "whistle", "whistled", "whistling",
     ("{H} blew and blew, but only air came out.", "{He} blew until {his} face was red.",
      "There was only a sound like a wet sock."),
     ("Make your mouth small and round, like a berry", "Blow softly, as if you cool your soup",
      "Do not blow so hard. Be gentle"),
     ("A clear sound came out, like the song of a bird.", "{He} whistled so well that a bird answered.")),
    (walks, "skate", "skated", "skating",
     ("{H} stepped on the ice and fell on {his} bottom.", "{His} feet went left and right, and {he} went down.",
      "{He} slid into a big heap of snow."),
     ("Bend your knees and look ahead", "Hold my hand, and push with one foot", "Begin with small steps"),
     ("{He} slid over the ice like a swan.", "{He} made a big circle on the ice and did not fall once.")),
    (with_hands, "ride a bicycle", "rode the bicycle", "riding",
     ("{H} sat on the bicycle and fell over at once.", "{He} rode right into a bush.",
      "The front wheel turned, and {he} was in the mud."),
     ("Look at the road and not at your feet", "Go a little faster, then it is easier", "I will hold you until you are ready"),
     ("{He} rode down the road with the wind in {his} face.", "{He} rode all around the pond without falling.")),
    (with_hands, "read", "read", "reading",
     ("{H} looked at the book, but the letters looked like ants.", "{He} mixed up all the letters.",
      "{He} held the book upside down."),
     ("Learn one letter a day", "Say the sound of each letter, and then say them fast", "Begin with your own name"),
     ("The letters turned into words, and the words turned into a story.",
      "{He} read a whole page without help.")),
    (with_hands, "juggle", "juggled", "juggling",
     ("{H} threw three apples up, and all of them fell on {his} head.", "{He} dropped one ball, and then the next.",
      "An egg landed on {his} nose and broke."),
     ("Start with one ball, then take two", "Do not look at your hands. Look up", "Throw slowly and wait"),
     ("One, two, three balls flew through the air, and none of them fell.",
      "The balls went around and around, and everybody clapped.")),
    (with_hands, "paint", "painted", "painting",
     ("{H} painted a horse, but it looked like a table.", "{He} spilled the red paint over {his} feet.",
      "{His} tree looked like a broom."),
     ("Look at the thing for a long time before you begin", "Paint what you feel", "Use only one color first"),
     ("{He} painted the sun over the hills, and it was almost as bright as the real one.",
      "{He} painted a picture of all {his} friends, and everybody found their own face.")),
    (with_hands, "play the [flute|drum|violin|trumpet]", "played", "playing music",
     ("{H} tried, but it sounded like an angry cat.", "The neighbors held their ears.",
      "There was only one loud and ugly sound."),
     ("Play one note until it is your friend", "Play a little every day", "Listen more than you play"),
     ("The music was so gentle that even the wind was quiet.", "Everybody came out to listen and to dance.")),
    (with_hands, "bake [bread|a cake|pancakes|cookies]", "baked", "baking",
     ("The first try was as hard as a stone.", "The second one was black and smoked.",
      "{H} mixed up the salt and the sugar."),
     ("Be patient, and do not make the fire too hot", "Read all of it first, and then begin", "Mix it slowly and with love"),
     ("A sweet smell filled the house, and everybody wanted a bite.", "It was golden and soft, and everybody wanted more.")),
    (walks, "jump over the [stream|wall|fence|log]", "jumped over it", "jumping",
     ("{H} ran, jumped, and landed right in the mud.", "{He} was too slow and fell on {his} belly.",
      "{He} stopped just before it, because {he} was scared."),
     ("Look at the other side when you jump", "Run fast, and do not stop", "Jump a small one first, then a bigger one"),
     ("{He} flew through the air and landed on the other side.", "One jump, and {he} was across!")),
    (noisy_beast, "roar", "roared", "roaring",
     ("{H} opened {his} mouth, but only a small meow came out.", "{He} tried again and hiccuped.",
      "A bird heard it and giggled."),
     ("The roar lives in your belly. Let it out", "Think of thunder", "Take a deep breath and count to three"),
     ("A mighty roar rolled over the hills.", "The trees shook, and everybody was amazed.")),
    (any_hero, "tell [stories|good stories|jokes]", "told them", "telling stories",
     ("{H} forgot the end in the middle.", "{He} began, and everybody fell asleep.", "Nobody laughed, and nobody clapped."),
     ("Tell it as if it had happened to you", "Tell it first to me, and take your time", "Begin with something strange"),
     ("Everybody listened with open mouths and wanted to hear more.", "Everybody laughed until their bellies hurt.")),
    (walks, "stand on {his} head", "stood on {his} head", "standing on {his} head",
     ("{H} tipped over like a sack of flour.", "{He} rolled across the grass.", "{His} legs went up and came right down."),
     ("Put your hands flat on the ground and go slowly", "Lean against a tree first", "Hold your belly tight"),
     ("{His} legs pointed at the sky, and the world was upside down.", "{He} stood as still as a tree.")),
    (walks, "catch a ball", "caught the ball", "playing ball",
     ("The ball hit {him} on the nose.", "{H} closed {his} eyes, and the ball flew past.", "{He} ran left, and the ball went right."),
     ("Keep your eyes on the ball", "Let the ball come to you", "Start with a big soft ball"),
     ("{He} caught it, and the next one, too.", "The ball flew high, and {he} caught it with a jump.")),
    (any_hero, "count to [ten|twenty|one hundred]", "counted", "counting",
     ("{H} counted one, two, seven, and stopped.", "{He} forgot four every time.", "After six {he} did not know what came next."),
     ("Count the things that you love", "Sing the numbers like a song", "Count the steps on your way home"),
     ("{He} counted all the way and did not forget a single one.", "{He} counted the stars, and the numbers just came.")),
)


def setup_skill(s):
    fits = [skill for skill in SKILLS if skill[0](s.hero)]
    # A skill that only few can have should show up when the hero can.
    rare = [skill for skill in fits if skill[0] in (winged, noisy_beast)]
    skill = s.pick(rare) if rare and s.rng.random() < 0.6 else s.pick(fits)
    _, base, past, doing, fails, advice, success = skill
    fail, fail2 = s.rng.sample(fails, 2)
    s.person("f", look=s.pick(("old", "wise", "kind", "friendly", "gentle", "clever", "patient", None)))
    s.say(skill=base)
    s.say(did=past, doing=doing, fail=fail, fail2=fail2, advice=s.pick(advice),
          success=s.pick(success), dream=doing)


SKILL = Plot(
    "learn_skill", "animal child adult machine magic water toy", setup_skill,
    hooks=(
        ("wanted to {skill}", "want to {skill}"), ("wanted to {skill}", "want to {skill}"),
        ("could not {skill}", "cannot {skill}"), ("wished that {he} could {skill}", "wish I could {skill}"),
        ("wanted to learn to {skill}", "want to learn to {skill}"),
        ("did not know how to {skill}", "do not know how to {skill}"),
        ("dreamed of {doing}", "dream of {doing} every night"),
        ("loved the idea of {doing}", "would love to {skill}"),
        ("was sad because {he} could not {skill}", "am sad because I cannot {skill}"),
        ("could do many things, but {he} could not {skill}", "can do many things, but I cannot {skill}"),
        ("had one big wish. {He} wanted to {skill}", "have one big wish. I want to {skill}"),
    ),
    own=(
        "One day, {h.intro} tried to {skill}. {fail}",
        "{H.n} the {h.k} tried to {skill}. {fail}",
        '"Today I will {skill}!" said {h.n} the {h.k}. {fail}',
        "All the others could {skill}, but {h.n} the {h.k} could not. <oneday> {he} tried it. {fail}",
        "{H.n} the {h.k} saw how the others {did}. {He} wanted to {skill}, too. {fail}",
    ),
    scenes=(
        ("<oneday> {h} [tried|wanted to try it]. {fail}",
         "<oneday> {he} [went {q.to} to try|tried it {q.in}]. {fail}",
         "<oneday> {he} said to {himself}, \"Today I will {skill}!\" {fail}",
         "All {his} friends could {skill}. <oneday> {h} tried it, too. {fail}"),
        ("{fail2} <sad>", "Then {he} tried again. {fail2}", "<tried> {fail2}",
         "@h(I [can not do it|will never learn it|am no good at this].) <sad>",
         "Some others saw it and laughed. <sad>"),
        ("?", "{He} asked {e} for help, but {e} had no time.",
         "@e(You are too small for that.) But {h} still wanted to learn it.",
         "{H} tried all day and all week, but it did not work."),
        ("<soon> {f.intro} came by. <asks> @h(I want to {skill}, but I cannot do it.)",
         "{F.intro} had watched {him}. @f(I can show you how it is done, if you like.)",
         "<then> {h} met {f.intro}. @h(Can you teach me to {skill}?) @f([Of course|I can try|With joy].)"),
        ("@f({advice}.) {H} listened and tried again. It was a little better.",
         "@f(When I was young, I could not do it either. {advice}.) {H} nodded.",
         "@f(My secret is this. {advice}.) So they tried it together, again and again."),
        ("Every day they practiced. And then, one [morning|day|evening], it worked! {success}",
         "{H} took a deep breath and tried once more. {success}",
         "{He} tried it once, twice, three times. <atlast> it worked. {success}",
         "The next day {he} tried again, and the day after that. <then> it happened. {success}"),
        ("@h([I can do it|Look at me|I did it]!) {F} clapped and laughed.",
         "@h(Look, {f.voc}! I can {skill}!) <glad>",
         "<glad> <thanks>", "@f(I knew that you could do it.) <thanks>"),
        ("<learned_try>", "<learned_try> <sleep>", "From that day on, {h.n} {did} every day, and {f.n} was always there to watch.",
         "And when a little one came and wanted to {skill}, {h.n} said, \"{advice}.\"",
         "<friends>", "<never> <learned_try>"),
    ),
)

# fear | where it waits | what it is like | what it turns out to be
FEARS = (
    ("the dark", "the dark [cellar|cave|forest]", "It was so dark that {he} could not see {his} own nose.",
     "the dark was soft and quiet, and little lights shone in it"),
    ("thunder", "the storm", "The thunder was so loud that the ground shook.",
     "the thunder was only a big drum in the sky"),
    ("deep water", "the deep water", "The water was cold and green, and {he} could not see the ground.",
     "the water carried {him} like a soft hand"),
    ("high places", "the top of the [high rock|tower|hill]", "{He} looked down, and everything began to turn.",
     "from up there, {he} could see the whole land"),
    ("the wind", "the windy hill", "The wind howled like a wolf.", "the wind only wanted to play"),
    ("big dogs", "the yard of the big dog", "The dog was as big as a bear.",
     "the dog only wagged his tail and licked {his} face"),
    ("strangers", "the house of the stranger", "The door was old and black.", "the stranger was kind and gave {him} tea"),
    ("shadows", "the room full of shadows", "The shadows had long arms.", "the shadows were only coats and chairs"),
    ("loud noises", "the noisy market", "There was shouting and banging everywhere.", "the noise was only people who were happy"),
    ("spiders", "the old attic full of spider webs", "The webs hung down like curtains.",
     "the spider was smaller than a button and said good day"),
    ("the forest", "the big dark forest", "The trees looked like giants.", "the trees were old friends of everybody who walked there"),
    ("ghosts", "the old house on the hill", "The stairs creaked and the wind sighed.", "the ghost was only a white curtain"),
)


def setup_fear(s):
    fear, where, dread, truth = s.pick(FEARS)
    s.person("f", look=s.pick(("little", "small", "baby", "young", "tiny")),
             group="animal" if s.world == "land" else None)
    s.say(fear=fear, where=where, dread=dread, truth=truth, dream="a brave {h.k}")


FEAR = Plot(
    "afraid", "animal child machine magic toy", setup_fear,
    hooks=(
        ("was afraid of {fear}", "am afraid of {fear}"), ("was afraid of {fear}", "am afraid of {fear}"),
        ("was scared of {fear}", "am scared of {fear}"),
        ("was not very brave. Most of all {he} was afraid of {fear}", "am afraid of {fear}"),
        ("was brave, but {he} was afraid of {fear}", "am afraid of {fear}"),
        ("wanted to be brave, but {he} was afraid of {fear}", "want to be brave"),
        ("was afraid of many things, and most of all of {fear}", "am not brave"),
    ),
    scenes=(
        ("When the others [played|went out], {h} stayed at home. @h(What if something happens?)",
         "The others laughed at {him}. @h(I cannot help it.)",
         "{E} said that it was all right, but {h} wanted to be brave.",
         "Every night {he} asked {e} to hold {his} hand."),
        ("<oneday> {h} heard a small voice. It cried for help. It was {f.intro}, and the voice came from {where}!",
         "<oneday> {f.intro} was gone. Somebody had seen {f.him} near {where}.",
         "<oneday> {his} friend, {f.intro}, did not come home. @e({F.n} must be lost near {where}!)"),
        ("There was nobody else to help. {H} shook all over. @h(I am afraid, but {f.n} needs me.)",
         "{H} wanted to run away. But then {he} thought of {f.n}, all alone. {He} took a deep breath.",
         "{His} heart beat fast. @h(I must go. There is no time to be afraid!)"),
        ("Step by step {he} went closer. {dread} But {he} did not turn back.",
         "{dread} {H} wanted to close {his} eyes, but {he} went on.",
         "{dread} {He} sang a little song to be braver, and went on."),
        ("?", "@h({F.n}, where are you?) @f(I am here! Please come!)", "{H} counted {his} steps, one, two, three."),
        ("And then something strange happened. {Truth}. It was not so bad at all.",
         "But look! {Truth}. {H} had to laugh.",
         "Then {he} saw that {truth}. Was that all?"),
        ("There sat {f}, cold and tired. {H} took {f.him} by the hand and led {f.him} home.",
         "{H} found {f} and carried {f.him} home on {his} back.",
         "Behind a stone sat {f} and cried. @h(I am here now. Come, we go home.)"),
        ("@f(You are the bravest {h.k} in the world.) {H} smiled. @h(I was afraid. But I came anyway.)",
         "{F} hugged {him}. @f(Were you not afraid?) @h(A little. But you were more important.)",
         "When they came home, everybody cheered. @e(I am so proud of you.)"),
        ("<learned_brave>", "<learned_brave> <sleep>", "From that day on, {h.n} was not afraid of {fear} any more.",
         "And {fear}? {H.n} was never so afraid of that again. <friends>"),
    ),
)


def setup_race(s):
    s.thing(("cake", "silver cup", "basket of apples", "golden ribbon", "drum", "new hat"), "p", look="")
    s.person("f", look=s.pick(("proud", "fast", "loud", "big", "strong", "young")))
    s.say(goal="the [big rock|old mill|tall tree|bridge|end of the valley|red barn|top of the hill]",
          dream="the race",
          stuck=s.pick(("fell into a hole", "got stuck in the mud", "was caught in a thorn bush",
                        "fell into the stream", "hurt {f.his} foot on a stone")))


RACE = Plot(
    "race", "animal child machine magic", setup_race,
    hooks=(
        ("was very slow", "am slow"), ("was not fast, but {he} was kind", "am not fast"),
        ("wanted to win a race", "want to win a race"), ("loved to run", "love to run"),
        ("was the slowest of all", "am the slowest of all"), ("had never won anything", "have never won anything"),
        ("liked games", "like games"), ("dreamed of winning the big race", "want to win the big race"),
    ),
    scenes=(
        ("<oneday> there was a race to {goal}. The winner would get {p.a}.",
         "<oneday> {f.intro} said, \"Let us have a race to {goal}!\" The winner would get {p.a}.",
         "Every year there was a big race to {goal}, and the prize was {p.a}. This year {h} wanted to run, too."),
        ("{F.first} laughed at {h}. @f(You will never win. I am the fastest of all!)",
         "@f.first(You? You are as slow as a stone. I will win!) {H} said nothing.",
         "@f.first(I have won every race. You can carry my water.) But {h} only smiled."),
        ("One, two, three, go! {F.n} ran off like the wind. Soon {h} was far behind.",
         "The race began. {F} was in front from the start. {H} went on, step by step."),
        ("But after the [bend|bridge|first hill], {h} heard a cry. {F} was too proud to look at the way and {stuck}.",
         "Then {f} looked back to laugh, and {stuck}. @f([Help|Ouch]! Help me!)"),
        ("{H} could have won now. But {he} stopped. @h(Wait, I will help you.)",
         "Now {h} could run past and win. {He} looked at {goal}. {He} looked at {f}. Then {he} turned around to help.",
         "@h(A race is only a race.) {He} went back to help {f}."),
        ("{He} pulled and pulled until {f} was free. @f(Why did you help me? I was so mean to you.) @h(Because you needed help.)",
         "{H} held out a long stick and pulled {f} out. {F} was ashamed. @f(I am sorry that I laughed.)"),
        ("They walked the last part side by side and crossed the line together. Everybody cheered.",
         "@f(You must win now. Go!) @h(No, we go together.) And so they came in at the same time.",
         "{F} could not walk alone, so {h} held {f.him}. They were the last of all, but everybody clapped."),
        ("They shared {p.the}. <friends>", "{H} got {p.the}, and {he} shared it with {f}. <friends>",
         "The two of them got {p.the} together. {H.n} had learned that [being kind is better than being first|a friend is the best prize].",
         "@f(You have the biggest heart of all.) And that was better than {p.the}. <friends>"),
    ),
)

PLOTS = (SKILL, SKILL, FEAR, RACE)
