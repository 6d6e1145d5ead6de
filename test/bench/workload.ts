import type { Draft } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import type { ScoreEvent } from '#src/handlers/read-result.ts';

export const FAMILY = 'general_chat';
export const SOURCE = 'eirel.network/log/v1/00000000/36/bench/1';
export const TIME = '2026-01-02T03:04:05.678Z';

/** A full subnet: as many miners and tasks as a run may have. */
export const MINERS = hotkeys('miner', 256);
export const TASKS: readonly string[] = Array.from({ length: 256 }, (_, index) => `task-${index}`);

/** Well-formed addresses that no key stands behind, sorted; with a checksum that nobody looks at. */
export function hotkeys(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => {
    const digits = sha256(`${name} ${index}`).slice(0, 47);
    // Base58 has no zero.
    return `5${digits.replaceAll('0', 'z')}`;
  }).toSorted();
}

/** A repeatable score in 1e-9 that looks like any other. */
export function scoreOf(seed: number): number {
  // Knuth's multiplicative hash; the factor and the modulus share no divisor, so scores rarely tie.
  return (Math.imul(seed + 1, 2_654_435_761) >>> 0) % 1_000_000_001;
}

/** Results of whole runs, one pair after the other, as an import records them, from the pair `from` on. */
export function scoreEvents(count: number, from = 0): readonly ScoreEvent[] {
  const perRun = MINERS.length * TASKS.length;
  return Array.from({ length: count }, (_, at): ScoreEvent => {
    const index = from + at;
    const pair = index % perRun;
    return {
      type: 'score.recorded.v1',
      data: {
        family: FAMILY,
        run: `run-${Math.floor(index / perRun)}`,
        task: TASKS[Math.floor(pair / MINERS.length)] ?? '',
        miner: MINERS[pair % MINERS.length] ?? '',
        status: 'scored',
        score: scoreOf(index),
        basis: 'final',
        evidence: sha256(`result ${index}`),
      },
    };
  });
}

export function draftsOf(events: readonly ScoreEvent[]): readonly Draft[] {
  return events.map((event) => ({ event, time: TIME, causationId: null }));
}

export function inBatches<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
