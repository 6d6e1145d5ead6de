/** An eligible miner: its seat's uid and its median in 1e-9. */
export type Candidate = Readonly<{ hotkey: string; uid: number; median: number }>;

/** Who won, and by which rule. */
export type Contest =
  | Readonly<{ kind: 'first-winner' | 'challenger-won' | 'incumbent-kept'; winner: string }>
  | Readonly<{ kind: 'no-eligible-miner' }>;

/**
 * The best candidate is the one with the highest median above zero; among equal medians the lower uid,
 * then the lower hotkey. Without an incumbent it wins. Against an incumbent, which is a candidate
 * itself, it wins only with a median of at least the incumbent's plus `margin`; below that, or when it
 * is the incumbent, the incumbent stays.
 */
export function pickWinner(
  candidates: readonly Candidate[],
  { incumbent, margin }: { incumbent: string | null; margin: number },
): Contest {
  const best = candidates.filter(({ median }) => median > 0).sort(byRank)[0];
  if (best === undefined) return { kind: 'no-eligible-miner' };
  const defender = candidates.find(({ hotkey }) => hotkey === incumbent);
  if (defender === undefined) return { kind: 'first-winner', winner: best.hotkey };
  const won = best.hotkey !== defender.hotkey && best.median >= defender.median + margin;
  return won
    ? { kind: 'challenger-won', winner: best.hotkey }
    : { kind: 'incumbent-kept', winner: defender.hotkey };
}

function byRank(a: Candidate, b: Candidate): number {
  return b.median - a.median || a.uid - b.uid || (a.hotkey < b.hotkey ? -1 : 1);
}
