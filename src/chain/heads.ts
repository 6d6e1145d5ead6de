import type { Known } from './chain.ts';
import type { ConnectionLimits } from './connection-limits.ts';
import { known, unavailable } from './known.ts';

/**
 * The finalised head over all connections. It goes back only when nothing but the node that showed it
 * speaks for it. Times are milliseconds of one clock.
 */
export type Heads = Readonly<{
  /** The newest finalised block; null before the first. */
  finalized: number | null;
  /** When it last advanced; before the first, since when it is awaited. */
  advancedAt: number;
  /** The first head that was taken, and when: what can be final by now follows from it. */
  first: Readonly<{ number: number; at: number }> | null;
  /** Index of the endpoint that showed `finalized`. */
  source: number | null;
  /** The endpoints whose last head contradicted it. */
  doubts: readonly Readonly<{ endpoint: number; at: number }>[];
}>;

/** No head yet. */
export function noHeads(now: number): Heads {
  return { finalized: null, advancedAt: now, first: null, source: null, doubts: [] };
}

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

/** A finalised head and where it comes from: the index of one of so many endpoints. */
export type ShownHead = Readonly<{ number: number; endpoint: number; endpoints: number }>;

/**
 * Takes a finalised head, or says why the node that shows it is not to be followed: it is behind what is
 * known to be final, or ahead of what can be. What is known may be the lie of one node, so it gives way
 * when every other endpoint contradicts it.
 */
export function followHead(
  heads: Heads,
  shown: ShownHead,
  { now, limits }: { now: number; limits: ConnectionLimits },
): Readonly<{ heads: Heads; objection: string | null }> {
  const { number, endpoint } = shown;
  const objection = objectionTo(number, heads, { now, limits });
  const others = heads.doubts.filter(
    (doubt) => doubt.endpoint !== endpoint && now - doubt.at < limits.doubtMs,
  );
  if (objection === null)
    return { heads: take({ ...heads, doubts: others }, shown, now), objection };
  const doubting = { ...heads, doubts: [...others, { endpoint, at: now }] };
  return isRefuted(doubting, shown.endpoints, { now, limits })
    ? { heads: take(noHeads(now), shown, now), objection: null }
    : { heads: doubting, objection };
}

function objectionTo(
  number: number,
  { finalized, first }: Heads,
  { now, limits }: { now: number; limits: ConnectionLimits },
): string | null {
  if (finalized === null || first === null) return null;
  if (number < finalized - limits.staleBlocks)
    return `stale node: its finalised block is ${number}, ${finalized} is known to be final`;
  const most = first.number + limits.leapBlocks + Math.floor((now - first.at) / limits.blockMs);
  return number > most
    ? `false node: its finalised block is ${number}, ${most} is the highest that can be final`
    : null;
}

function take(heads: Heads, { number, endpoint }: ShownHead, now: number): Heads {
  if (heads.finalized !== null && number <= heads.finalized) return heads;
  const first = heads.first ?? { number, at: now };
  return { ...heads, finalized: number, advancedAt: now, first, source: endpoint };
}

/**
 * Whether every endpoint but the source contradicts the head. That counts at once where two do; one alone,
 * which may be the source itself, is believed only when the head has not advanced for `doubtMs`.
 */
function isRefuted(
  { advancedAt, source, doubts }: Heads,
  endpoints: number,
  { now, limits }: { now: number; limits: ConnectionLimits },
): boolean {
  const others = doubts.filter(({ endpoint }) => endpoint !== source).length;
  if (others < endpoints - 1) return false;
  return doubts.length > 1 || now - advancedAt >= limits.doubtMs;
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
