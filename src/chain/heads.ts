import type { Known } from './chain.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { known, unavailable } from './known.ts';

/** The finalised head over all connections. It never goes back. Times are milliseconds of one clock. */
export type Heads = Readonly<{
  /** The newest finalised block; null before the first. */
  finalized: number | null;
  /** When it last advanced; before the first, since when it is awaited. */
  advancedAt: number;
}>;

/** The signs of life of one connection. */
export type Pulse = Readonly<{
  best: number;
  finalized: number;
  /** When this connection last showed a block that it had not shown before. */
  at: number;
}>;

/** A connection that has shown nothing yet. */
export function firstPulse(now: number): Pulse {
  return { best: -1, finalized: -1, at: now };
}

/** The pulse after a best or a finalised head. A head that is shown again is no sign of life. */
export function beat(pulse: Pulse, kind: 'best' | 'finalized', number: number, now: number): Pulse {
  return number > pulse[kind] ? { ...pulse, [kind]: number, at: now } : pulse;
}

/**
 * Takes a finalised head, or says why the node that shows it is not to be followed: it is behind what is
 * known to be final, or ahead of what can be.
 */
export function followHead(
  heads: Heads,
  number: number,
  { now, limits }: { now: number; limits: ConnectionLimits },
): Readonly<{ heads: Heads; objection: string | null }> {
  const { finalized } = heads;
  if (finalized !== null && number < finalized - limits.staleBlocks) {
    const objection = `stale node: its finalised block is ${number}, ${finalized} is known to be final`;
    return { heads, objection };
  }
  if (finalized !== null && number > finalized + limits.leapBlocks) {
    const objection = `false node: its finalised block leaps from ${finalized} to ${number}`;
    return { heads, objection };
  }
  const advanced = finalized === null || number > finalized;
  return { heads: advanced ? { finalized: number, advancedAt: now } : heads, objection: null };
}

/** When to leave a node that shows nothing new until then, and why. */
export function patience(
  { pulse, heads, since }: { pulse: Pulse; heads: Heads; since: number },
  { limits, alternatives }: { limits: ConnectionLimits; alternatives: boolean },
): Readonly<{ until: number; why: string }> {
  const { silenceMs, finalityPatienceMs } = limits;
  const silent = { until: pulse.at + silenceMs, why: `no new head for ${silenceMs / 1_000} s` };
  if (!alternatives) return silent;
  const stalled = {
    until: Math.max(since, heads.advancedAt) + finalityPatienceMs,
    why: `finality stands for ${finalityPatienceMs / 1_000} s: another node may know more`,
  };
  return stalled.until < silent.until ? stalled : silent;
}

/** The finalised head while it is news; an old one is unknown, with what stands in the way. */
export function knownHead(
  { finalized, advancedAt }: Heads,
  { now, limits, connection }: { now: number; limits: ConnectionLimits; connection: string },
): Known<number> {
  const age = now - advancedAt;
  if (finalized !== null && age < limits.silenceMs) return known(finalized);
  const since = `${Math.floor(age / 1_000)} s`;
  const what =
    finalized === null
      ? `no finalised block seen yet, after ${since}`
      : `finality stands at block ${finalized} for ${since}`;
  return unavailable(`${what}; ${connection}`);
}
