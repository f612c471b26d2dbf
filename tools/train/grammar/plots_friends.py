"""Plots about friends: lonely, quarrelling, ill, hiding, giving presents."""

from . import world
from .story import Plot

GAMES = ("hide and seek", "ball", "tag", "a guessing game", "a game with stones", "pirates", "leap frog",
         "catch", "kings and queens", "a counting game")


def setup_lonely(s):
    s.person("f", look=s.pick(("shy", "small", "lonely", "quiet", "little", "new", None)), named=0.9)
    s.person("g", look=s.pick(("busy", "big", "old", "proud", None)), named=0.2)
    s.person("k", look=s.pick(("busy", "sleepy", "grumpy", "old", None)), named=0.2)
    s.say(game=s.pick(GAMES), dream="{his} new friend",
          busy=s.pick(("I have to clean my home", "I must gather food", "I am too busy", "I have to sleep now",
                       "I must go to work")),
          busy2=s.pick(("I do not play with little ones", "I am too tired", "Come back tomorrow",
                        "I must look after the babies", "Not now, I am cooking")))


LONELY = Plot(
    "lonely", "animal child adult machine magic water toy sky", setup_lonely,
    hooks=(
        ("had no friends", "have no friends"), ("was [very|so] lonely", "am so lonely"),
        ("was sad because {he} had no friends", "am sad because I have no friends"),
        ("wanted a friend", "want a friend"), ("was looking for a friend", "am looking for a friend"),
        ("was all alone", "am all alone"), ("had nobody to play with", "have nobody to play with"),
        ("was [sad|bored]. {He} had nobody to play with", "am bored"),
        ("was new and did not know anybody", "am new here"), ("was very shy", "am too shy to talk"),
        ("wished for a friend", "wish I had a friend"),
    ),
    own=(
        "{H.n} the {h.k} was sitting {q.in}, all alone. {He} had no friends.",
        '"Who wants to play with me?" asked {h.n} the {h.k}. But {he} was alone {q.in}.',
        "{H.intro} came {q.to} to look for a friend. {He} was very lonely.",
    ),
    scenes=(
        ("<oneday> {he} said, \"I will go and find a friend.\" So {he} {h.went} {q.to}.",
         "<oneday> {h} went {q.to}. @h(Maybe I will find a friend there.)",
         "Every day {he} played alone. <oneday> {he} had enough of that and went {q.to}."),
        ("There {he} met {g.intro}. @h(Will you play with me?) @g(No. {busy}.)",
         "First {he} met {g.intro}. @h(Do you want to be my friend?) But {g} shook {g.his} head. @g({busy}.)"),
        ("?", "Then {he} asked {k.intro}. @k({busy2}.) <sad>",
         "Next {he} met {k.intro}. @h(Do you have time to play?) @k({busy2}.)"),
        ("{H} sat down [all alone|behind a stone|and sighed]. @h(Nobody wants to play with me.)", "<sad>",
         "{H} wanted to go home. <sad>"),
        ("<then> {he} heard a small sound. Not far away sat {f.intro} and cried.",
         "But then {he} saw somebody who was alone, too. It was {f.intro}.",
         "Then somebody said, \"Hello.\" It was {f.intro}, hiding behind a [leaf|stone|tree]."),
        ("@h(Why are you alone?) @f(I do not know anybody here.) @h([Me too|Then we are two]!)",
         "@f(I wanted to ask you to play, but I was too shy.) @h(I was shy, too!)",
         "@h([Hello|Hi], I am {h.n}. What is your name?) @f(I am {f.n}. Do you want to play with me?)"),
        ("They played {game} [until the sun went down|all day|all afternoon] and laughed a lot.",
         "So they played {game}. It was much more fun with two.",
         "{F.n} knew how to play {game}, and {h.n} knew the best songs. What a day!"),
        ("<friends>", "@h(Will you come back tomorrow?) @f(Yes! And the day after that.) <friends>",
         "{H.n} was not lonely any more. <friends>", "<friends> <sleep>",
         "On the way home, {h.n} was so happy that {he} hopped. {He} had found a friend at last."),
    ),
)


def setup_quarrel(s):
    s.person("f", named=1.0)
    s.thing(world.THINGS["rolls"] + world.THINGS["plain"])
    s.say(game=s.pick(GAMES), dream="{f.n}",
          reason=s.pick(("Both of them wanted to have {t.the} first", "{H.n} wanted {t.the}, and {f.n} wanted it, too",
                         "Nobody wanted to give {t.the} away")))


QUARREL = Plot(
    "quarrel", "animal child toy water magic machine", setup_quarrel,
    hooks=(
        ("had a [good|best] friend named {f.n}", "have a friend named {f.n}"),
        ("did everything together with {his} friend {f.n} the {f.k}", "do everything with {f.n}"),
        ("had a best friend, {f.n} the {f.k}", "have a best friend"),
        ("was playing with {f.n} the {f.k}", "play with {f.n} every day"),
        ("liked to play with {his} friend {f.n} the {f.k}", "like to play with {f.n}"),
        ("was angry with {his} friend {f.n}", "am angry with {f.n}"),
    ),
    own=(
        "{H.n} and {f.n} were best friends. {H.n} was {h.a}, and {f.n} was {f.a}. But one day they both wanted {t.the}.",
        "{H.n} the {h.k} and {f.n} the {f.k} were playing {q.in}. They found {t.a}, and both of them wanted it.",
        "<once>, there were two friends. {H.n} was {h.a}, and {f.n} was {f.a}. One day, they found {t.a}.",
        "{H.n} the {h.k} and {f.n} the {f.k} lived {home}. They were friends, until they found {t.a}.",
    ),
    pairs=(
        "{H.n} and {f.n} were playing {q.in}. They found {t.a}, and both of them wanted it.",
        "{H.n} and {f.n} were [best|good] friends. One day, they found {t.a} {q.in}.",
        "{H.n} and {f.n} went {q.to}. There they found {t.a}.",
        "{H.n} was playing with {his} friend {f.n}. They had {t.a}, and both of them wanted it.",
    ),
    scenes=(
        ("<oneday> the two of them found {t.a} {q.in}.",
         "<oneday> they went {q.to}, and there lay {t.a}.",
         "<oneday> {e} gave them {t.a}. It was for both of them."),
        ("@h(It is mine!) @f(No, it is mine! I saw it first!) They pulled and pulled at {t.the}.",
         "{reason}. They shouted, and they pulled at {t.the}.",
         "@f(Give it to me!) @h(No, you always get everything!) They both held {t.the} and pulled."),
        ("Then it fell down. @h(I do not want to play with you any more!) @f(And I do not want to play with you!)",
         "{F.n} let go, and {h} fell on {his} back. @f(Keep it! You are not my friend any more.) And {f.he} walked away.",
         "<atlast> {h} got it, and {f} went home and cried."),
        ("Now {h} had {t.the}. But it was no fun to play alone. It was [very quiet|too quiet].",
         "{H} sat alone with {t.the}. There was nobody to laugh with.",
         "The next day, {h} was alone. {He} looked at {t.the}, but {he} did not want it any more."),
        ("?", "@e(A thing can be replaced. A friend cannot.) {H} thought about that for a long time.",
         "{He} remembered how they used to play {game}."),
        ("@h(I miss {f.n}.) {He} took {t.the} and went to {f.n}. {F.n} was sitting at the door, and {f.he} looked sad, too.",
         "Then {h} got up and ran to {f.n}. On the way, {he} met {f.n}, who was coming to {him}!",
         "So {he} took {t.the} and knocked at the door of {f.n}."),
        ("@h(I am sorry. You can have it.) @f(I am sorry, too. Let us share it.)",
         "@h(I am sorry, {f.n}. You are more important than {t.a}.) @f(And you are, too.)",
         "Both said it at the same time, \"I am sorry!\" Then they had to laugh."),
        ("So they played with {t.the} together, and it was twice as much fun. <learned_share>",
         "They took turns, one day {h.n} and one day {f.n}. And they never fought about it again.",
         "And then they played {game}, just like before. <friends>",
         "They shared {t.the}, and they were friends again. <sleep>"),
    ),
)


def setup_gift(s):
    s.person("f", named=1.0)
    s.thing(world.THINGS["plain"])
    made = s.pick((
        ("a crown of flowers", "picked flowers in the meadow and wove them together", "It smells like summer"),
        ("a song", "sat down and made a song with {f.n}'s name in it", "Nobody ever sang a song for me"),
        ("a painted stone", "found a round stone and painted a {f.k} on it", "It looks just like me"),
        ("a big card", "cut a heart out of red paper and wrote on it", "I can read it every day"),
        ("a little boat of bark", "took a piece of bark and carved it, bit by bit", "I can sail it on the pond"),
        ("a necklace of nut shells", "put nut shells on a string, one after the other", "I will wear it every day"),
        ("a picture", "painted the two of them, hand in hand", "That is you, and that is me"),
        ("a pillow full of soft grass", "filled a little bag with soft grass", "I will sleep so well"),
        ("a story", "thought of a story about a brave {f.k}", "That is the best story of all"),
        ("a cake of berries", "picked berries and baked them", "It is the best cake I ever had")))
    s.say(made=made[0], how=made[1], praise=made[2], dream="the party")


GIFT = Plot(
    "birthday_gift", "animal child adult toy machine magic", setup_gift,
    hooks=(
        ("had a friend named {f.n}", "have a friend named {f.n}"),
        ("was looking for a gift for {his} friend {f.n}", "need a gift for {f.n}"),
        ("wanted to give {f.n} the {f.k} something nice", "want to give {f.n} something nice"),
        ("was excited, because it was the birthday of {his} friend {f.n}", "am so excited"),
        ("was going to a birthday party", "am going to a birthday party"),
        ("had no money", "have no money"), ("was kind, but very poor", "am poor"),
    ),
    own=(
        "It was the birthday of {f.n} the {f.k}. A friend, {h.intro}, wanted to bring a gift.",
        "Tomorrow was the birthday of {f.n} the {f.k}. {H.n} the {h.k} had no gift.",
        '"Tomorrow is the birthday of {f.n} the {f.k}," said {h.n}. "What can I give {f.him}?" {H.n} was {h.a}.',
    ),
    scenes=(
        ("<oneday> it was almost the birthday of {f.n} the {f.k}. @h(What can I give {f.him}?)",
         "The birthday of {f.n} the {f.k} was the next day, and {h} had no gift yet.",
         "<oneday> {f.n} the {f.k} invited everybody to a birthday party. {H} wanted to bring the best gift of all."),
        ("{He} went to the shop. There was {t.a} in the window. But {h} did not have enough money. <sad>",
         "{H} saw {t.a} in a shop. @h(That is it!) But it was too dear.",
         "First {he} wanted to buy {t.a}, but {his} pocket was empty."),
        ("?", "Then {he} wanted to bake cookies, but they smelled so good that {he} ate them all. Oh dear!",
         "Then {he} wanted to catch a sunbeam in a jar. But at night the jar was dark.",
         "{He} asked {e}. @e(The best gifts cannot be bought.)"),
        ("{H} thought about what {f.n} liked. Then {he} had an idea. {He} {how}.",
         "@h(I will make something myself!) So {he} {how}.",
         "{He} looked around, and all at once {he} knew what to do. {He} {how}."),
        ("It took all [night|day|evening], but then it was done. It was {made}.",
         "In the evening, {made} was ready. It was a bit crooked, but made with love.",
         "When the sun went down, {he} had {made}."),
        ("At the party, there were big gifts with ribbons. {H} was afraid that {made} was too small.",
         "Everybody brought something big and shiny. {H} felt shy. @h(I only have this.)",
         "At the party, {h} waited until the end. Then {he} gave {f.n} the gift."),
        ("But {f.n} smiled all over {f.his} face. @f(You made this for me? {praise}!)",
         "{F.n} looked at it for a long time. @f({praise}. This is the best gift of all.)",
         "{F.n} began to cry. @h(Do you not like it?) @f(I love it! {praise}!)"),
        ("They danced and ate cake until [the stars came out|late at night]. {H.n} had learned that [a gift from the heart is the best gift|love makes small things big].",
         "{F.n} hugged {h.n} and did not let go for a long time. <sleep>",
         "And of all the gifts, {f.n} kept that one for ever.",
         "<friends>"),
    ),
)


def setup_sick(s):
    s.person("f", named=1.0)
    s.person("g", look=s.pick(("old", "big", "grumpy", "small", None)))
    ill = s.pick((("a cold", "could not stop sneezing"), ("a sore throat", "could not speak"),
                  ("a fever", "was hot and tired"), ("a bad cough", "coughed all day"),
                  ("a sore foot", "could not walk"), ("a belly ache", "had to stay in bed")))
    s.thing(("pot of hot soup", "jar of honey", "pot of warm tea", "bunch of sweet herbs",
             "warm blanket", "basket of berries", "bunch of flowers", "bag of herbs"), look="")
    block = s.pick((
        ("A big tree lay across the road", "pushed it away", "@g(One, two, three, push!)"),
        ("The bridge was broken", "put a long log over the water", "@g(Now you can walk across!)"),
        ("Deep snow lay on the path", "dug a path through the snow", "@g(I love to dig!)"),
        ("The river was too wide", "carried {him} over the river", "@g(Hold on tight!)"),
        ("A gate was locked", "opened it with a bent wire", "@g(Click! It is open.)")))
    s.say(ill=ill[0], illness=ill[1], dream="{f.n}")
    s.say(block=block[0], clear=block[1], shout=block[2])


SICK = Plot(
    "sick_friend", "animal child adult machine magic", setup_sick,
    hooks=(
        ("had a friend named {f.n}", "have a friend named {f.n}"),
        ("was worried about {his} friend {f.n}", "am worried about {f.n}"),
        ("was a good friend to everybody", "like to help"), ("liked to help others", "like to help others"),
        ("was waiting for {his} friend {f.n}", "am waiting for {f.n}"),
        ("wanted to play with {his} friend {f.n}", "want to play with {f.n}"),
    ),
    scenes=(
        ("<oneday> {f.n} the {f.k} did not come out to play. {F.n} had {ill} and {illness}.",
         "<oneday> {h} heard that {f.n} the {f.k} was ill. {F.he} had {ill} and {illness}.",
         "<oneday> {h} knocked at the door of {f.n} the {f.k}. But {f.n} had {ill} and {illness}."),
        ("@h(I will bring {f.him} {t.a}. That will help.) {He} set off at once.",
         "{H} wanted to help. {He} went {q.to} and got {t.a}.",
         "@h(Poor {f.n}! What {f.he} needs is {t.a}.) {He} packed it in a basket and went on {his} way."),
        ("But the way was hard. {block}. @h(How can I get to {f.n} now?)",
         "{block}. {H} could not go on. <sad>",
         "Halfway there, {he} had to stop. {block}."),
        ("<soon> {g.intro} came by. @g(Where do you want to go?) @h(My friend is ill. I must bring {f.him} {t.a}.)",
         "<then> {he} met {g.intro}. @h(Please, can you help me? My friend {f.n} is ill.)"),
        ("@g(For a friend we must hurry.) {G.he} {clear}. {shout}",
         "{G} [nodded|smiled] and {clear}. {shout}",
         "{shout} And really, {g} {clear}."),
        ("{H} ran the rest of the way. {F.n} lay in bed. When {f.he} saw {h.n}, {f.he} smiled for the first time that day.",
         "<atlast> {h} came to {f.n}. @h(Look what I have for you!)",
         "{H} sat down next to the bed and gave {f.n} {t.the}. Then {he} told {f.him} a funny story."),
        ("Soon {f.n} felt better. @f({T.the} helped me. But most of all it was you.)",
         "Two days later, {f.n} was well again. @f(Thank you, {h.n}. You are the best doctor.)",
         "{F.n} slept well, and the next morning {f.he} was well again."),
        ("Then they both went to {g} to say thank you, and all three played together.",
         "<friends>", "@f(When you are ill, I will come to you.) And that is what friends do.",
         "{H.n} was happy. To help a friend is the best feeling of all. <sleep>"),
    ),
)


def setup_hide(s):
    s.person("f", named=1.0)
    s.person("g", named=1.0)
    s.say(spot=s.pick(("in a hollow log", "under a heap of leaves", "in a big basket", "behind a pile of hay",
                       "in an old barrel", "in a flower pot", "under a big hat", "in an empty box",
                       "under an old boat")),
          sign=s.pick(("a soft snore", "a loud snore", "a sneeze", "a little yawn", "somebody who talked in his sleep")),
          dream="the best hiding place")


HIDE = Plot(
    "hide_and_seek", "animal child toy magic", setup_hide,
    hooks=(
        ("loved to play hide and seek", "love to play hide and seek"),
        ("liked to hide", "like to hide"), ("was very good at hiding", "can hide better than anybody"),
        ("was the smallest of {his} friends", "am the smallest of all"),
        ("wanted to play", "want to play"), ("was playing with {his} friends", "like to play with my friends"),
        ("had two good friends, {f.n} and {g.n}", "have two good friends"),
    ),
    own=(
        "{H.n}, {f.n} and {g.n} were playing hide and seek {q.in}. {H.n} was {h.a}, and {he} wanted to find the best place.",
        "{H.n} and {f.n} were playing hide and seek with {g.n} the {g.k}. {F.n} had to count.",
        '"Let us play hide and seek!" said {h.n} the {h.k} to {f.n} and {g.n}.',
    ),
    pairs=(
        "{H.n} and {f.n} were playing {q.in}. {G.n} the {g.k} came, too. @h(Let us play hide and seek!)",
        "{H.n} and {f.n} were playing hide and seek {q.in} with {g.n} the {g.k}.",
        "One day, {h.n} and {f.n} went {q.to} with {g.n} the {g.k} to play hide and seek.",
    ),
    scenes=(
        ("<oneday> {he} played hide and seek with {f.n} the {f.k} and {g.n} the {g.k} {q.in}.",
         "<oneday> {f.n} the {f.k} and {g.n} the {g.k} came. @f(Let us play hide and seek!)"),
        ("{F.n} closed {f.his} eyes and counted. {H.n} looked for a good place and hid {spot}.",
         "@f(One, two, three, four, five!) {H.n} ran here and there. Then {he} crawled in and hid {spot}."),
        ("It was warm and dark and quiet there. {H} waited and waited. {His} eyes closed, and {he} fell asleep.",
         "{He} was as quiet as a stone. {He} was so quiet that {he} fell asleep."),
        ("{F.n} found {g.n} behind a tree. But {f.he} could not find {h.n}.",
         "Soon {g.n} was found. But where was {h.n}? {F.n} looked up and down."),
        ("They looked everywhere. They called, \"{H.n}! {H.n}! Come out!\" But nobody answered. Now they were worried.",
         "The sun went down. @g(What if {h.n} is lost?) {F.n} began to cry. {E.n} came, and they all searched together."),
        ("<then> {g.n} heard something. It was {sign}. @g(Listen! It comes from there!)",
         "@f(Be quiet! Do you hear that?) It was {sign}."),
        ("And there was {h.n}, {spot}, fast asleep! {H.n} opened {his} eyes. @h(Did I win?)",
         "They looked, and there lay {h.n}, {spot}. @h(Is it morning?)"),
        ("They all laughed. @f(You won. But next time, please do not sleep!)",
         "{F.n} hugged {him}. @f(You have won the game for ever.) And they went home to have supper.",
         "Everybody laughed, and {h.n} laughed the loudest. <sleep>",
         "From then on, when {h.n} wanted to hide, the others first gave {him} a cup of strong tea."),
    ),
)

PLOTS = (LONELY, LONELY, QUARREL, GIFT, SICK, HIDE)
