// Interleaved measuring: every round asks every engine once, so that what the machine does beside
// meets all of them alike.

/** Letters are tokens of their own in the files of make-model.mjs; "<s>" and a space come first. */
export function promptOf(tokens) {
  return Array.from({ length: tokens - 2 }, (_, i) => String.fromCharCode(97 + ((i * 7) % 26))).join('');
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Half the distance between the quartiles, as a share of the median. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b), at = (q) => sorted[Math.round(q * (sorted.length - 1))];
  return (at(0.75) - at(0.25)) / 2 / median(values);
}

/**
 * `opened`: name to engine. Reads prompts of `pp` tokens and writes `tg` tokens after one of 8. Gives name to {prefill,
 * decode}: arrays of tokens per second, one per round, after a round that is not counted.
 */
export async function measure(opened, { pp, tg, rounds, say = () => {} }) {
  const results = Object.fromEntries(Object.keys(opened).map((name) => [name, { prefill: [], decode: [] }]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, engine] of Object.entries(opened)) {
      const prefill = await engine.generate(promptOf(pp), 1);
      const decode = await engine.generate(promptOf(8), tg + 1);
      if (prefill.promptTokens !== pp) throw new Error(`${name} read ${prefill.promptTokens} tokens, not ${pp}`);
      say(`${round === 0 ? 'warm-up' : `round ${round}`} ${name}: prefill ${prefill.prefill.toFixed(1)}, decode ${decode.decode.toFixed(1)} tok/s`);
      if (round === 0) continue;
      results[name].prefill.push(prefill.prefill);
      results[name].decode.push(decode.decode);
    }
  }
  return results;
}
