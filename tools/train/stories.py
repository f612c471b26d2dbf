"""Writes little stories from the hand-written grammar in grammar/.

    python stories.py --seed 1 --count 5         print five stories
    python stories.py --count 500000 --distinct  count the different ones

Story number n is a pure function of n, so a range of numbers is a data set.
Training uses the numbers from 0 on; numbers from HELD_OUT on are never used
for training.
"""

import argparse
import hashlib
import multiprocessing
import random

from grammar import (plots_friends, plots_home, plots_journeys, plots_skills,
                     plots_things, plots_wonders)
from grammar.story import GROUP_WEIGHTS, Story

HELD_OUT = 1_000_000_000

PLOTS = [plot for module in (plots_friends, plots_home, plots_journeys, plots_skills,
                             plots_things, plots_wonders) for plot in module.PLOTS]
GROUPS = list(GROUP_WEIGHTS)
WEIGHTS = list(GROUP_WEIGHTS.values())
# A plot listed twice, or a group named twice in its `who`, counts double.
PLOTS_FOR = {group: [plot for plot in PLOTS for who in plot.who if who == group]
             for group in GROUPS}


def story(number):
    """Story `number`: plain text, paragraphs separated by line feeds."""
    rng = random.Random(number)
    group = rng.choices(GROUPS, WEIGHTS)[0]
    return Story(rng, rng.choice(PLOTS_FOR[group]), group).text()


def stories(first, count, processes=2):
    """The stories first .. first + count - 1, in order."""
    numbers = range(first, first + count)
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap(story, numbers, chunksize=512)


def count_distinct(first, count):
    """How many of a range of stories differ, by a 128-bit hash."""
    seen = set()
    characters = 0
    for text in stories(first, count):
        characters += len(text)
        seen.add(hashlib.blake2b(text.encode(), digest_size=16).digest())
    return len(seen), characters


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0, help="number of the first story")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--distinct", action="store_true", help="count, do not print")
    args = parser.parse_args()
    if args.distinct:
        distinct, characters = count_distinct(args.seed, args.count)
        print(f"{distinct} distinct of {args.count} stories, "
              f"{characters / args.count:.0f} characters on average")
        return
    for number in range(args.seed, args.seed + args.count):
        print(f"--- {number}\n{story(number)}\n")


if __name__ == "__main__":
    main()
