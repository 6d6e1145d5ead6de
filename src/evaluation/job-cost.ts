/** What a job has cost, in nano-USD: a sum with one part unknown is unknown, never the sum of the rest. */
export type JobCost =
  | Readonly<{ state: 'known'; nanoUsd: number }>
  | Readonly<{ state: 'unknown'; reason: string }>;

/** The cost of calls of which some may have none that is known. */
export function jobCost(parts: Readonly<{ knownNanoUsd: number; unknownCalls: number }>): JobCost {
  const { knownNanoUsd, unknownCalls } = parts;
  if (!Number.isSafeInteger(knownNanoUsd)) {
    return { state: 'unknown', reason: 'more than 2^53 nano-USD' };
  }
  if (unknownCalls === 0) return { state: 'known', nanoUsd: knownNanoUsd };
  const calls = unknownCalls === 1 ? 'one call' : `${unknownCalls} calls`;
  return { state: 'unknown', reason: `what ${calls} cost is not known` };
}
