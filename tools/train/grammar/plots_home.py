"""Plots of every day: bed time, school, market, rain, pets, work."""

from .story import Plot


TRICKS = (
    ("Tell me what was nice today", "{h} told of the nice things, one after the other"),
    ("Breathe like the sea, in and out, in and out", "{h} breathed slowly, in and out"),
    ("Think of the softest thing you know", "{h} thought of clouds and warm bread"),
    ("Listen, the night is singing", "{h} listened to the wind and to the leaves"),
)


def setup_bedtime(s):
    trick, result = s.pick(TRICKS)
    s.person("f", look=s.pick(("old", "sleepy", "wise", "quiet")), named=0.5)
    s.say(dream="[flying|the sea|a ship of clouds|a field of flowers|the moon]",
          first=s.pick(("drank a cup of warm milk", "counted sheep", "turned from left to right", "read a book",
                        "sang a song", "looked at the ceiling")),
          second=s.pick(("stood on {his} head", "counted all the stars", "ate a biscuit", "closed {his} eyes very tight",
                         "changed the pillow", "walked around the room")),
          trick=trick, result=result)


BEDTIME = Plot(
    "bedtime", "animal child toy magic sky water", setup_bedtime,
    hooks=(
        ("could not sleep", "cannot sleep"), ("did not want to go to bed", "do not want to go to bed"),
        ("was not tired", "am not tired"), ("was awake, and all the others were asleep", "am awake"),
        ("was still awake", "am still awake"), ("never wanted to sleep", "never want to sleep"),
    ),
    scenes=(
        ("@e(It is time to sleep.) @h(But I am not tired!)", "{E} said good night, and it was quiet.",
         "Outside it was dark. {H} closed {his} eyes, but they opened again.",
         "@e([Good night|Sleep well], {h.n}.) But {h} was wide awake."),
        ("{He} {first}. It did not help.", "First {he} {first}. But {he} was still awake.",
         "{He} {first}, and then {he} {second}. No, that did not help."),
        ("Then {he} {second}. That did not help, too.", "@h(Why can everybody sleep but me?)",
         "{He} got up and looked out. The moon looked back at {him}."),
        ("<then> {he} heard a soft voice. It was {f.intro}. @f(Can you not sleep?) @h(No. I tried everything.)",
         "There sat {f.intro} and looked at the stars. @f(You should be asleep.) @h(I know, but I cannot sleep.)"),
        ("@f(I will tell you a secret. {Trick}.) {Result}.", "@f({Trick}.) So {result}."),
        ("It got warm and quiet. {H} yawned, once, twice.", "Little by little, {his} eyes got heavy.",
         "@h(I am not tired at all.) But {he} could not keep {his} eyes open."),
        ("@f(Good night, {h.voc}.) But {h} was already asleep, and dreamed of {dream}.",
         "And before {f} could say good night, {h} was fast asleep. In {his} dream {he} saw {dream}.",
         "{H} slept until the sun came in. @h(Good morning! What a good night that was.)"),
    ),
    night=True,
)

ERRANDS = (
    ("eggs", "flour", "milk", "pancakes"), ("bread", "butter", "honey", "honey bread"),
    ("apples", "sugar", "flour", "an apple cake"), ("carrots", "peas", "salt", "soup"),
    ("plums", "sugar", "butter", "a plum pie"), ("corn", "beans", "salt", "stew"),
    ("cheese", "eggs", "butter", "an egg cake"), ("cherries", "milk", "flour", "a cherry pie"),
)


def setup_market(s):
    one, two, three, dish = s.pick(ERRANDS)
    s.person("f", named=0.5)
    s.say(one=one, two=two, three=three, dish=dish, dream="[market day|the market|{dish}]")
    s.thing(("pair of red socks", "blue balloon", "bag of sweets", "tin whistle", "paper hat"), look="")


MARKET = Plot(
    "market", "animal child magic", setup_market,
    hooks=(
        ("wanted to help {e}", "want to help"), ("was going to the market", "am going to the market"),
        ("was big enough to go to the market alone", "am big enough to go to the market"),
        ("often forgot things", "often forget things"), ("liked to help at home", "like to help"),
        ("was hungry", "am hungry"), ("wanted to eat {dish}", "want to eat {dish}"),
    ),
    own=(
        '{E} said to {h.n} the {h.k}, "Please go to the market and buy {one}, {two} and {three}."',
        "{E} sent {h.n} the {h.k} to the market. {He} had to buy {one}, {two} and {three}.",
    ),
    scenes=(
        ("<oneday> {e} said, \"Please go to the market and buy {one}, {two} and {three}.\"",
         "@e(I want to make {dish}. We need {one}, {two} and {three}.) @h(I will get it!)"),
        ("All the way {h} said, \"{One}, {two}, {three}. {One}, {two}, {three}.\"",
         "{H} took a basket and sang, \"{One}, {two} and {three}!\""),
        ("Then {he} met {f.intro}. @f([Hello|Good morning]! Where are you going?) They talked for a while.",
         "On the way {he} saw {f.intro}, who was juggling with nuts. {H} stopped to watch."),
        ("When {he} came to the market, {h} had forgotten it all! What was it? {He} bought {t.a}.",
         "At the market there was so much to see. {H} thought and thought. But {he} only remembered {one}, and {he} bought {t.a} with the rest of the money."),
        ("{E} looked into the basket. @e({T.a}? How can I make {dish} of that?) <sad>",
         "At home, {e} looked at {t.the} and sighed. @h(I am sorry. I forgot it.)"),
        ("<then> there was a knock. It was {f}. @f(You dropped your list! So I went and got it all.) There were {one}, {two} and {three}.",
         "But {f} had heard the song, and {f.he} still knew it. @f({One}, {two} and {three}! Here it all is.)"),
        ("@e(You must eat with us.) So they made {dish} together, and it was very good.",
         "Soon the house smelled of {dish}. <thanks>"),
        ("From then on, {h.n} wrote it all down. <friends>", "<friends> <sleep>",
         "And {t.the}? {H.n} gave it to {f.n}, who was very happy with it.",
         "{H.n} had learned that [a list is a good thing|a good friend is better than a good memory]. <sleep>"),
    ),
)

PETS = "puppy kitten rabbit duckling hamster turtle frog mouse lamb parrot goat pony".split()


def setup_pet(s):
    noun = s.pick(PETS)
    s.person("f", lambda kind: kind.noun == noun, group="animal", named=1.0,
             look=s.pick(("little", "small", "brown", "white", "gray", "spotted", "thin", "black")))
    s.say(dream="{f.n}", place=s.pick(("under a bush", "by the road", "in an empty box", "behind the shed",
                                       "at the gate", "in the rain")))


PET = Plot(
    "pet", "child child child adult", setup_pet,
    hooks=(
        ("wanted a pet", "want a pet"), ("wished for a {f.k}", "want a {f.k}"), ("loved animals", "love animals"),
        ("had always wanted a {f.k}", "have always wanted a {f.k}"), ("was a friend of all animals", "love animals"),
        ("found a {f.k}", "have found a {f.k}"), ("wanted to have a {f.k} of {his} own", "want a {f.k} of my own"),
    ),
    scenes=(
        ("@h(May I have a pet, please?) @e(A pet is a lot of work. Maybe when you are older.)",
         "But {e} said no. @e(You forget to water the flowers. How can you look after a pet?)",
         "Every day {he} asked {e}, and every day {e} said, \"Not yet.\""),
        ("<oneday> {h} heard a soft sound. There was {f.a} {place}. It was cold and hungry.",
         "Then, on a <fineday>, {he} saw {f.a} {place}. It had a hurt foot and shook all over."),
        ("@h([You poor thing|Do not be afraid]! I will help you.) {He} put it in {his} coat and took it home.",
         "{H} sat down and waited until it came close. Then {he} carried it home."),
        ("{E} looked at the {f.k}. @e(It may stay for one night.)",
         "@e(Oh no! Well, it can stay until it is well again.)"),
        ("{H} got up early every day. {He} gave it food and water, and {he} cleaned its box.",
         "{H} fed the {f.k} with a spoon and kept it warm at night. {He} did not forget it once.",
         "Day after day {h} looked after it, even when {he} wanted to play."),
        ("Soon the {f.k} was strong and merry. It followed {h} everywhere.",
         "After a week the {f.k} could run again. It jumped up and licked {his} hand."),
        ("@h(Now it must go, I know.) But {e} smiled. @e(You have shown me that you can look after it. It can stay!)",
         "{E} had seen it all. @e(Nobody could take better care of it than you. Let us keep it.)"),
        ("{H.n} called it {f.n}. And from then on, {h.n} and {f.n} went everywhere together.",
         "@h(I will call you {f.n}!) <glad> <sleep>",
         "The {f.k} got the name {f.n}, and it slept at the foot of {his} bed every night."),
    ),
)


def setup_rain(s):
    s.person("f", named=0.8)
    s.say(dry=s.pick(("The flowers hung their heads", "The river was only a thin line", "The fields were brown and dry",
                      "The frogs sat in an empty pond", "The children had no water to drink")),
          dream="a field of flowers",
          fright=s.pick(("If I rain, I will be gone", "I am too small to rain", "I do not know how to do it",
                         "What if it hurts")))


RAIN = Plot(
    "little_rain", "sky", setup_rain,
    hooks=(
        ("was the smallest of all", "am so small"), ("did not know what {he} was good for", "do not know what I am good for"),
        ("liked to look down at the world", "like to look down"), ("wanted to do something important", "want to do something important"),
        ("was afraid to go down to the earth", "am afraid to go down"), ("felt useless", "feel useless"),
    ),
    scenes=(
        ("<oneday> {he} heard somebody cry, far below. It had not rained for weeks. {dry}.",
         "That summer was hot and dry. {dry}. <oneday> they all called to the sky for help."),
        ("@h(I want to help them. But {fright}.)", "The others said, \"That is not our work.\" But {h} could not stop thinking about it."),
        ("So {he} went to {f.intro}. @f(Alone we are small. Together we can do it.)",
         "<then> {f.intro} came by. @f(I have the same wish. Let us go together.)"),
        ("They called all their friends. More and more of them came, until the sky was dark.",
         "They went from one end of the sky to the other and asked everybody to come along."),
        ("Then the rain began, first softly, and then more and more. It fell on the fields and on the trees.",
         "Boom, said the thunder, and the rain fell, warm and soft."),
        ("The flowers drank, and the frogs sang. All the children danced in the rain.",
         "Soon all was green again, and everybody looked up and said, \"Thank you!\""),
        ("And when the sun came out, there was a rainbow from one end of the sky to the other. @h(We made that!)",
         "{H} looked down. Now {he} knew what {he} was good for. <glad>"),
        ("{H.n} had learned that [even the smallest can do something big|together we are strong]. <sleep>",
         "<friends>", "And whenever it rains, you can hear {h.n} laugh."),
    ),
)


def setup_baby(s):
    s.say(baby=s.pick(("a baby brother", "a baby sister", "a little brother", "a little sister")),
          dream="the baby")
    boy = "brother" in s.facts["baby"]
    s.say(babyn=s.facts["baby"].split(" ", 1)[1], bhe="he" if boy else "she", bhis="his" if boy else "her",
          trick=s.pick(("made a funny face", "sang a little song", "danced around the bed", "hid behind a cloth and said boo",
                        "put a pot on {his} head")))


BABY = Plot(
    "new_baby", "animal child child", setup_baby,
    hooks=(
        ("got {baby}", "have {baby}"), ("had {baby}", "have {baby}"),
        ("was an only child", "am an only child"), ("was the youngest, until {baby} came", "am the youngest"),
        ("did not like the new baby", "do not like the baby"), ("wanted {baby}", "want {baby}"),
        ("was angry", "am angry"), ("was sad because nobody had time for {him}", "am sad because nobody has time for me"),
    ),
    scenes=(
        ("Everybody came to look at the {babyn}. Nobody looked at {h.n}.", "{E} was always busy with the {babyn} now.",
         "The {babyn} was so small and so loud, and {e} had no time any more."),
        ("@h(Will you play with me?) @e(Not now, {h.n}. The baby is hungry.) <sad>",
         "@h(It cries, and it sleeps, and it smells. Can we give it back?)",
         "{H} made a tower of stones. But nobody came to see it. <sad>"),
        ("{H} was so angry that {he} went out and hid {q.in}. @h(They do not need me any more.)",
         "{He} packed {his} bag and wanted to leave. At the door {he} stopped."),
        ("Then {he} heard the {babyn} cry. It cried and cried, and {e} could not make it stop.",
         "<oneday> {e} was very tired, and the {babyn} would not stop crying."),
        ("{H} went to the bed and {trick}. The {babyn} looked at {him} and was quiet.",
         "@h(Let me try.) {He} {trick}. All at once the {babyn} stopped crying."),
        ("Then {bhe} smiled. It was {bhis} very first smile, and it was for {h.n}!",
         "The {babyn} laughed and reached for {his} nose. {E} was amazed. @e(Nobody can do that but you!)"),
        ("{E} took them both in {e.his} arms. @e(My heart has grown bigger. There is room for both of you.)",
         "@e(You are a wonderful big one, {h.n}.) And {h} felt very tall."),
        ("From that day on, {h.n} sang to the {babyn} every night.", "@h(I think we can keep it.) And they all laughed.",
         "And when the {babyn} could walk, {bhe} followed {h.n} everywhere. <sleep>"),
    ),
)


def setup_school(s):
    s.person("f", named=1.0, look=s.pick(("shy", "friendly", "small", "funny")))
    s.person("g", named=0.8, look=s.pick(("old", "kind", "gentle", "friendly", "wise")), group="animal")
    s.say(worry=s.pick(("What if nobody likes me", "What if I cannot find my chair", "What if I say something silly",
                        "What if the teacher is angry")),
          game=s.pick(("painted a big picture", "sang a song with many verses", "built a castle of blocks",
                       "learned to write their names", "counted beans")), dream="school")


SCHOOL = Plot(
    "school", "animal child child magic", setup_school,
    hooks=(
        ("was going to school for the first time", "am going to school"),
        ("was nervous. It was the first day of school", "am nervous"),
        ("did not want to go to school", "do not want to go to school"), ("was big enough for school", "am big enough for school"),
        ("was new at school", "am new at school"), ("wanted to go to school", "want to go to school"),
    ),
    own=("It was the first day of school. {H.n} the {h.k} held {e}'s hand.",
         "Today was the first day of school for {h.n} the {h.k}."),
    scenes=(
        ("In the morning, {h} packed {his} bag. @h({worry}?)", "@e(Come, it is time.) But {h} held on to the door. @h({worry}?)"),
        ("@e(Just be yourself.) They went hand in hand, and {h} counted the steps.",
         "{E} gave {him} a kiss and an apple. @e(You can do it.)"),
        ("The teacher was {g.intro}. @g(Welcome, {h.voc}! Sit down where you like.)",
         "At the door stood {g.intro}. @g(Good morning! I am your teacher.)"),
        ("All the others were talking and laughing. {H} sat down in the last row and looked at {his} feet.",
         "It was so loud. {H} wanted to run home."),
        ("Then {he} saw {f.intro} in the next chair, who looked at {f.his} feet, too. @h(Are you scared?) @f(Yes. And you?) @h(Me too.)",
         "@f.intro(Is this chair free?) @h(Yes.) @f(Good. I do not know anybody here.) @h(Now you know me!)"),
        ("Then they {game} together, and it was fun.", "They shared the apple, and in class they {game}.",
         "Soon they laughed about everything. And with all the others they {game}."),
        ("When {e} came to get {him}, {h} did not want to go home. @h(Can I come back tomorrow?)",
         "@e(How was it?) @h(I have a friend! The name is {f.n}.)"),
        ("From then on, {h.n} ran to school every morning. <friends>", "<friends> <sleep>",
         "{H.n} had learned that [everybody is a little scared at first|one friend is enough to begin]. <sleep>"),
    ),
)

LOVES = (
    ("trains", "the big train", "pulled the whistle", "station", "toot, toot"),
    ("boats", "a real boat", "turned the wheel", "harbor", "splash, splash"),
    ("horses", "a brown horse", "held the reins", "stable", "clip, clop"),
    ("the fire truck", "the red fire truck", "rang the bell", "fire house", "ding, dong"),
    ("bells", "the big bell in the tower", "pulled the rope", "tower", "ding, dong"),
    ("airplanes", "a little airplane", "put on the cap of the pilot", "air field", "whoosh"),
    ("drums", "the biggest drum in the town", "hit it with both sticks", "town hall", "boom, boom"),
    ("tractors", "a green tractor", "steered it over the field", "farm", "brum, brum"),
)


def setup_loves(s):
    what, chance, deed, where, sound = s.pick(LOVES)
    s.person("f", group="adult", named=0.6, look=s.pick(("old", "kind", "friendly", "busy", "funny")))
    s.say(love=what, chance=chance, thechance="the " + chance.split(" ", 1)[1], where=where, sound=sound, dream=what,
          need=s.pick(("had lost {f.his} glasses", "had dropped all {f.his} keys", "had too much to carry",
                       "could not find {f.his} hat", "had lost {f.his} lunch box")))
    s.facts["deed"] = deed


LOVED = Plot(
    "loves", "child child animal", setup_loves,
    hooks=(
        ("loved {love}", "love {love}"), ("loved {love} more than anything else", "love {love}"),
        ("always talked about {love}", "love {love}"), ("dreamed of {love} every night", "dream of {love}"),
        ("had pictures of {love} on all {his} walls", "have pictures of {love}"),
        ("knew everything about {love}", "know everything about {love}"),
    ),
    scenes=(
        ("All day long {he} went, \"{Sound}!\" But {he} had never been close to {chance}.",
         "When {he} played, {he} called, \"{Sound}! {Sound}!\" {E} had to laugh.",
         "{He} wanted to see {chance} just once."),
        ("<oneday> {e} took {him} to the {where}. But the gate was closed. <sad>",
         "<oneday> {he} walked to the {where}. \"No entry for little ones,\" it said on the door."),
        ("<then> {f.intro} came out and looked around. {F.he} {need}. @f(Oh dear! What shall I do?)",
         "There was {f.intro}, who worked there. {F.he} {need} and looked very unhappy."),
        ("@h(I will help you!) {H} looked under the bench and behind the box, and carried what had to be carried.",
         "{H} did not wait. {He} ran, and looked, and helped until all was in order."),
        ("@f(You are a real help! Do you like {love}?) @h(More than anything!)",
         "@f(Thank you! What can I do for you?) {H} looked at {thechance}. {F.n} understood."),
        ("@f(Then come with me.) And {h} could not believe it. {He} climbed up, and {he} {deed}.",
         "{F} opened the gate and took {him} to {thechance}. There {h} {deed}."),
        ("\"{Sound}!\" it went, and {h} laughed so loud that everybody could hear it.",
         "@h({Sound}!) It was even better than {he} had dreamed.", "<glad> \"{Sound}!\""),
        ("From then on, {h.n} could come every Sunday. <sleep>", "<never> <sleep>",
         "@f(One day you will work here with me.) And that is what happened, many years later.",
         "@e(You helped, and so you got your wish.) {H.n} smiled all the way home."),
    ),
)

INDOOR = (
    ("a ship out of chairs and a blanket", "They sailed across the carpet sea"),
    ("a tent out of a table cloth", "They sat inside and told stories"),
    ("a band with pots and spoons", "It was so loud that the cat ran away"),
    ("paper boats", "They let them swim in the bath tub"),
    ("a big cake", "They ate it while it was still warm"),
    ("a puppet show with old socks", "They laughed until they cried"),
    ("a city out of boxes", "It had a tower, a bridge and a tiny bakery"),
    ("a train out of chairs", "It went to the moon and back"),
)


def setup_rainy(s):
    made, fun = s.pick(INDOOR)
    s.person("f", named=1.0)
    s.say(made=made, fun=fun, dream="[rain|rainy days]")


RAINY = Plot(
    "rainy_day", "child child animal", setup_rainy,
    hooks=(
        ("wanted to play outside", "want to play outside"), ("was bored", "am bored"), ("was so bored", "am so bored"),
        ("had to stay inside", "have to stay inside"), ("did not like rain", "do not like rain"),
        ("was looking out of the window", "want to go out"), ("wanted to go {q.to}", "want to go {q.to}"),
    ),
    own=("It was raining. {H.n} the {h.k} wanted to play outside, but {he} had to stay in.",
         "It rained and rained. @h.n(I am so bored.)", "It was a rainy day, and {h.n} the {h.k} was bored."),
    scenes=(
        ("But it was raining. It had been raining all day.", "But big drops ran down the window. {H} had to stay in.",
         "But outside it rained as if it would never stop."),
        ("@h(What can I do? There is nothing to do!) {He} kicked {his} shoe across the room.",
         "{H} sighed and put {his} nose on the window.", "@e(Why do you not read a book?) @h(I have read them all.)"),
        ("<then> there was a knock at the door. It was {f.n} the {f.k}, all wet. @f(I am bored, too. May I come in?)",
         "<then> {f.n} the {f.k} came, with a big umbrella. @f(Let us do something together!)"),
        ("They looked around. @h(I have an idea!) And they made {made}.",
         "@f(We could make something.) @h(Yes!) So they made {made}."),
        ("{fun}.", "{fun}. {E} came to look and wanted to join in.", "{fun}. Nobody looked at the window any more."),
        ("After a while, {e} said, \"The sun is shining. You can go out now.\" @h(Not yet! We are busy.)",
         "They did not even see that the rain had stopped.", "Then the sun came out. But they did not want to go out any more."),
        ("@h(I hope that it will rain tomorrow, too.) And they all laughed.", "<friends>",
         "{H.n} had learned that [a rainy day can be the best day|with a friend it is never boring]. <sleep>"),
    ),
)

CATCHES = (
    ("a golden fish", "net", "the net was full of fish every day"),
    ("a tiny mermaid", "net", "a soft song always showed the way home in the fog"),
    ("a talking bird", "trap", "a bird sang at the window every morning"),
    ("a little water man", "bucket", "the well was never dry again"),
    ("a silver frog", "basket", "there was a silver coin in the basket every Sunday"),
    ("a small gray mouse", "bread box", "somebody swept the floor every night"),
    ("a snow white hare", "trap", "there were fresh berries at the door every morning"),
)


def setup_catch(s):
    noun, place, reward = s.pick(CATCHES)
    s.say(catch=noun, tool=place, reward=reward, catchn=noun.split(" ", 1)[1], dream="the {catchn}")


CATCH = Plot(
    "let_go", "adult adult animal", setup_catch,
    hooks=(
        ("was very poor", "am very poor"), ("lived all alone", "live all alone"), ("worked hard every day", "work hard every day"),
        ("had only one {tool} and an old coat", "have only one {tool}"), ("had a kind heart", "am poor"),
        ("was hungry, because there was no food in the house", "am hungry"),
    ),
    scenes=(
        ("<oneday> {he} looked into {his} {tool}. There sat {catch}!", "<oneday> there was something strange in {his} {tool}. It was {catch}."),
        ("\"Please let me go,\" said the {catchn}. \"My little ones are waiting for me.\"",
         "\"Please do not hurt me,\" said the {catchn}. \"I want to go home.\""),
        ("{H} was hungry, and {he} could have sold the {catchn} for a lot of money. But {he} looked into its eyes.",
         "\"Sell it!\" the neighbors said. \"You will be rich!\" {H} thought about it all night."),
        ("@h([Go|Go home]. Nobody should be locked in.) And {he} opened {his} hand.",
         "@h(I know what it is to be sad.) And {he} let it go."),
        ("\"I will not forget it,\" said the {catchn}, and it was gone. {H} went to bed hungry.",
         "The {catchn} looked back once, and then it was gone. The neighbors laughed at {h}."),
        ("But the next morning, {he} could not believe {his} eyes. From that day on, {reward}.",
         "And what happened then? From that day on, {reward}."),
        ("{H} was never hungry again, and {he} shared with everybody who came to {his} door.",
         "\"How did you do that?\" asked the neighbors. @h(I only opened my hand.)"),
        ("{H.n} had learned that [what you give comes back to you|kindness is never lost]. <sleep>", "<never>",
         "And in quiet nights, {he} sometimes saw the {catchn} again, far away."),
    ),
)


SORROWS = (
    ("had a tooth ache", "I have a tooth ache", "pulled the bad tooth out with a string"),
    ("had a thorn in {f.his} foot", "I have a thorn in my foot", "pulled the thorn out"),
    ("was alone on {f.his} birthday", "Today is my birthday, and I am alone", "made a cake with ten candles"),
    ("was afraid of the dark", "I am afraid of the dark", "lit a little lamp"),
    ("could not sleep", "I am so tired, and I cannot sleep", "sang an old song, until it was quiet and warm"),
)


def setup_dragon(s):
    monsters = ("dragon", "giant", "troll", "monster", "yeti")
    monster = s.pick([noun for noun in monsters if noun != s.hero.kind.noun])
    s.person("f", lambda kind: kind.noun == monster, group="magic", look=s.pick(("big", "terrible", "green", "huge")), named=1.0)
    trouble, plaint, cure = s.pick(SORROWS)
    s.say(trouble=trouble, plaint=plaint, cure=cure, dream="the {f.k}")


DRAGON = Plot(
    "gentle_monster", "adult child magic animal", setup_dragon,
    hooks=(
        ("wanted to be a hero", "want to be a hero"), ("was brave", "am brave"), ("was not afraid of anything", "am not afraid of anything"),
        ("wanted to see a {f.k}", "want to see a {f.k}"), ("was small, but brave", "am small, but brave"),
        ("wanted to fight the {f.k}", "want to fight the {f.k}"),
    ),
    scenes=(
        ("On the mountain lived {f.a}. Every night it roared so loud that nobody could sleep.",
         "Everybody was afraid of the {f.k} in the hills. It roared, and the windows shook."),
        ("@h(I will go there and make it stop.) {E} cried, but {h} went.",
         "\"Who will go and fight the {f.k}?\" they asked. @h(I will.)",
         "<oneday> {h} took a pot as a helmet and a wooden spoon and set off."),
        ("The cave was dark, and there were bones in front of it. No, they were only old branches.",
         "{His} knees shook, but {he} climbed up, higher and higher. Then {he} stood in front of the cave."),
        ("@h([Come out|Here I am]!) The {f.k} came out. It was as big as a house. And it was crying!",
         "There it lay, bigger than a barn. But it did not spit fire. Big tears ran down its nose."),
        ("@h(Why do you cry?) \"{Plaint},\" said the {f.k}. \"And nobody ever comes to help me.\"",
         "@h(What is wrong?) The {f.k} {trouble}. That was why it roared every night."),
        ("{H} put down {his} spoon and {cure}. The {f.k} smiled.", "@h(Is that all? I can help you.) And {he} {cure}."),
        ("\"My name is {f.n},\" said the {f.k} and carried {h} home. Everybody ran away at first. Then they came out, one by one.",
         "\"Nobody was ever so kind to me,\" said the {f.k}. \"My name is {f.n}.\" [And so they became friends.|They shook hands.|]"),
        ("Now the nights were quiet, and {f.n} came to tea every Sunday. <learned_brave>",
         "{H.n} had learned that [the biggest ones need help, too|you should ask before you fight]. <friends>",
         "<friends>", "From then on, {f.n} kept all the ovens in the village warm. <sleep>"),
    ),
)

PLOTS = (BEDTIME, MARKET, PET, RAIN, BABY, SCHOOL, LOVED, RAINY, CATCH, DRAGON)
