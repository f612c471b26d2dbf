"""Shared phrases: small turns that every plot uses, in many wordings."""

PHRASES = {
    # Turns of time.  The story swaps `oneday` for `thatday` when its opening
    # has already set the day.
    "firstday": [
        "One <day>,", "One <day>,", "One <day>,", "One day,", "One day,",
        "On a <fineday>,", "Then one <day>,", "But one day,", "Early one morning,",
    ],
    "thatday": ["That day,", "Then", "Soon", "So that day,", "After breakfast,",
                "A little later,", "So", "On this day,"],
    "fineday": ["[sunny|bright|warm|cold|windy|quiet|fine|cloudy|lovely|gray|cool] "
                "[morning|day|afternoon|day|morning]",
                "[spring|summer|autumn|winter] [morning|day]"],
    "day": ["<fineday>", "<fineday>", "[morning|day|afternoon]"],
    "oneday2": ["one <day>", "one day", "the next morning", "early in the morning"],
    "soon": ["Soon", "After a while", "A little later", "Before long",
             "It did not take long, and"],
    "then": ["Then", "Just then", "At that moment", "Suddenly", "All at once"],
    "atlast": ["At last", "Finally", "In the end", "After a long time"],
    # Feelings of the hero.
    "sad": [
        "{H} [was|felt] [very|so] sad.",
        "{H} sat down and [cried|began to cry|sobbed].",
        "[Big|Little|Hot] tears ran down {his} face.",
        "{H} hung {his} head and [sighed|did not know what to do].",
        "{H} [felt|was] [ready to cry|close to tears].",
    ],
    "glad": [
        "{H} was [so|very] [happy|glad].",
        "{H} [laughed|jumped|danced] [with|for] joy.",
        "{H} was [so happy|so glad] that {he} [laughed out loud|danced in a circle|sang a song].",
        "{H} [beamed|smiled from ear to ear|could not stop smiling].",
        "What a happy [moment|day] that was for {h.n}!",
    ],
    "tried": [
        "But {h} did not give up.",
        "{H} did not [stop|give up so fast|want to give up].",
        "@h.he(I will [try again|find a way|not give up].)",
    ],
    # Meetings.
    "asks": [
        "@f([What is wrong|Why are you so sad|Why do you look so sad|What happened][, {h.voc}|, little one|, my friend|]?)",
        "@f([Hello|Hello there|Good day][, {h.voc}|]! [What is the matter|Can I help you|Why the long face]?)",
        "@f([Why are you crying|What is the trouble][|, {h.voc}]?)",
    ],
    "tellsall": [
        "{H} told {f.him} [everything|the whole story|all about it|what had happened].",
        "So {h} told {f.him} [everything|the whole story|all about it].",
        "{H} wiped {his} eyes and told {f.him} [everything|what had happened].",
    ],
    "offers": [
        "@f([Do not worry|Do not cry|Do not be sad|That is no problem]. I [can|will] help you.)",
        "@f([Let me help you|I know what to do|I have an idea|I think I can help]!)",
        "@f([Cheer up|Dry your tears], {h.voc}. [Together we can do it|I know what to do|I will help you].)",
    ],
    "thanks": [
        "@h(Thank you[| so much| very much|, thank you]!)",
        "@h(Thank you, {f.voc}! You [are so kind|are a real friend|are the best].)",
        "{H} thanked {f} [again and again|with all {his} heart|and hugged {f.him}].",
        "@h(Thank you! I will never forget [this|what you did].) @f([You are welcome|It was nothing|Friends help each other].)",
    ],
    "friends": [
        "From that day on, {h.n} and {f.n} were [best|good|the best of] friends.",
        "{H.n} and {f.n} became [best|good] friends.",
        "And {h.n} and {f.n} [played together every day|were friends for ever] after that.",
        "After that, {h.n} [was never alone again|had a friend for life].",
    ],
    # Endings: a night's sleep that looks back at {dream}.
    "sleep": [
        "That [night|evening], {h.n} [fell asleep with a smile|slept very well|was tired but happy].",
        "That night, {h.n} dreamed of {dream}.",
        "When the [moon|stars] came out, {h.n} was [fast asleep|already asleep], dreaming of {dream}.",
        "{H.n} went to bed [tired and happy|with a smile] and dreamed of {dream}.",
    ],
    "never": [
        "And {h.n} never forgot [that|this] day.",
        "{H.n} [remembered|thought of] that day for a long, long time.",
        "It was the best day of {his} life.",
    ],
    "learned_help": [
        "{H.n} had learned that [it is fine to ask for help|everything is easier with a friend|a good friend is worth more than gold].",
        "Now {he} knew that [a friend can help with anything|nobody has to do everything alone].",
    ],
    "learned_try": [
        "{H.n} had learned that [you must try and try again|practice makes things easy|it is fine to fall, if you get up again].",
        "Now {he} knew that [good things take time|you should never give up].",
        "@e(You did not give up. I am proud of you.)",
    ],
    "learned_share": [
        "{H.n} had learned that [sharing makes everything taste better|what you give comes back to you|joy grows when you share it].",
        "Now {he} knew that [sharing is better than keeping|a kind heart is never empty].",
    ],
    "learned_brave": [
        "{H.n} had learned that [being brave means to be afraid and to do it anyway|even little ones can be brave].",
        "Now {he} knew that [{he} was braver than {he} had thought|fear gets small when you look at it].",
    ],
    "learned_true": [
        "{H.n} had learned that [the truth is always best|it feels good to tell the truth].",
        "Now {he} knew that [a lie is heavy, but the truth is light|telling the truth is brave].",
    ],
    "learned_listen": [
        "{H.n} had learned [to listen|that good advice is worth hearing|to think first].",
        "From then on, {h.n} [listened to {e}|always thought before {he} did something].",
    ],
    # Weather for openings that begin with the day.
    "weather": [
        "It was a [sunny|warm|cold|windy|bright|lovely|cloudy|gray] [morning|day|afternoon].",
        "The sun [was shining|was warm|shone brightly].",
        "It was [raining|cold outside|very hot|windy|a fine day|a day in spring|the first day of summer].",
        "[Snow|Rain|Soft rain|White snow] [was falling|fell] on the [hills|roofs|fields|trees].",
        "The wind [was blowing|blew|sang] [in the trees|over the hills|around the house].",
        "The birds [were singing|sang], and the sky was blue.",
        "It was [spring|summer|autumn|winter].",
    ],
    "nightweather": [
        "It was a [dark|cold|quiet|windy|warm|rainy|starry] night.",
        "The moon [was bright|was round and white|shone on the hills|was high in the sky].",
        "It was [late|night|almost midnight|dark outside].",
        "The stars [were out|were shining|shone brightly].",
        "Night had come, and [all was quiet|everybody was asleep].",
    ],
}
