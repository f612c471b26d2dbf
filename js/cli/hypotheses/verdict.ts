/** From samples to a verdict. */

/** A measured quantity, and what the hypothesis says of it. */
export interface Row {
  of: string;
  median: number;
  /** A 95 % confidence interval of the median; of a quantity that was counted, the number itself. */
  low: number;
  high: number;
  samples: number;
  atLeast?: number;
  atMost?: number;
}

export interface Verdict {
  verdict: 'holds' | 'fails' | 'cannot be tested here';
  reason: string;
}

/** Probabilities of 0, 1 ... n heads of n coins. */
function heads(n: number): number[] {
  const all = [2 ** -n];
  for (let k = 1; k <= n; k++) all.push(all[k - 1]! * (n + 1 - k) / k);
  return all;
}

/**
 * The median lies between the k-th smallest and the k-th largest sample unless fewer than k samples lie on one side of
 * it, whatever the distribution; k is the largest with which that is rarer than 1 in 20. Fewer than 6 samples have none:
 * then all of their range.
 */
function outerRank(n: number): number {
  let rank = 0, below = 0;
  for (const p of heads(n)) {
    below += p;
    if (2 * below > 0.05) break;
    rank++;
  }
  return Math.max(rank, 1);
}

export function summarize(of: string, samples: number[], bound: { atLeast?: number; atMost?: number } = {}): Row {
  const sorted = [...samples].sort((a, b) => a - b), n = sorted.length, rank = outerRank(n);
  const median = (sorted[(n - 1) >> 1]! + sorted[n >> 1]!) / 2;
  return { of, median, low: sorted[rank - 1]!, high: sorted[n - rank]!, samples: n, ...bound };
}

export function boundOf({ atLeast, atMost }: Row): string {
  return atLeast !== undefined ? `at least ${atLeast}` : atMost !== undefined ? `at most ${atMost}` : '';
}

/** Three digits are enough to read. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** A hypothesis holds if every interval as a whole is on its side of the bound; `missing` says what that does not show. */
export function judge(rows: Row[], missing?: string): Verdict {
  const missed = rows.filter((r) => r.low < (r.atLeast ?? -Infinity) || r.high > (r.atMost ?? Infinity));
  if (missed.length) {
    return { verdict: 'fails', reason: missed.map((r) => `${r.of}: ${figure(r.low)} to ${figure(r.high)}, asked for ${boundOf(r)}`).join('; ') };
  }
  if (missing) return { verdict: 'cannot be tested here', reason: missing };
  return { verdict: 'holds', reason: 'every interval lies within its bound' };
}
