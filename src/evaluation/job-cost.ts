/** What a job has cost, in nano-USD: a sum with one part unknown is unknown, never the sum of the rest. */
export type JobCost =
  | Readonly<{ state: 'known'; nanoUsd: number }>
  | Readonly<{ state: 'unknown'; reason: string }>;

/** The cost of calls of which some may have none that is known; `causes` say why, each once. */
export function jobCost({
  knownNanoUsd,
  unknownCalls,
  causes,
}: Readonly<{
  knownNanoUsd: number;
  unknownCalls: number;
  causes: readonly string[];
}>): JobCost {
  if (!Number.isSafeInteger(knownNanoUsd)) {
    return { state: 'unknown', reason: 'more than 2^53 nano-USD' };
  }
  if (unknownCalls === 0) return { state: 'known', nanoUsd: knownNanoUsd };
  const why = causes.toSorted().join(', ');
  return { state: 'unknown', reason: `what ${counted(unknownCalls)} cost is not known (${why})` };
}

/** What a job has cost in all, of which `pending` calls of models may still cost something: until then it is unknown. */
export function wholeCost(settled: JobCost, pending: number): JobCost {
  if (pending === 0 || settled.state === 'unknown') return settled;
  return { state: 'unknown', reason: `what ${counted(pending)} cost is not metered yet` };
}

function counted(calls: number): string {
  return calls === 1 ? 'one call' : `${calls} calls`;
}
