import { AppError } from '../../errors.ts';
import type { DomainEvent } from '../../events/catalogue.ts';
import type { Head } from '../../events/envelope.ts';
import type { LogWriter } from '../../events/log.ts';
import type { Facts } from './facts.ts';

/** Appends under way: what waits behind those that are written makes the next batch, which is a full one on a slow disk. */
const MAX_APPENDS = 16;

/** Batches that the projection does not show yet: they are kept in memory, and each is looked into for every wish. */
export const MAX_UNSHOWN_BATCHES = 64;

/** What they may take of it together, the last one aside. */
const MAX_UNSHOWN_BYTES = 32 * 1024 * 1024;

export type BatchesDeps = Readonly<{
  append: LogWriter['append'];
  /** How many events the projection shows. */
  shown: () => number;
  /** Resolves when it shows that many. */
  reached: (size: number) => Promise<void>;
}>;

/** The newest part of the log: without a gap from where a projection is to what was acknowledged last. */
export type Unshown = Readonly<{
  /** In the log's order. */
  facts: readonly Facts[];
  /** The log's head behind them; null where there are none. */
  head: Head | null;
}>;

/** What was handed to the log, until the projection shows it. */
export type Batches = Readonly<{
  /** Waits until there may be another one, and forgets what the projection shows by now. */
  makeRoom: () => Promise<void>;
  /** What each says that is under way or not shown, in the log's order. */
  facts: () => readonly Facts[];
  unshown: () => Unshown;
  /** Resolves when all that is under way is stored. */
  settled: () => Promise<unknown>;
  /**
   * Hands events to the log. Resolves when they and all before them are stored, and rejects where one of these is not;
   * those alone are forgotten that the log did not take, so that what it has is known when it is sent again.
   */
  add: (
    batch: Readonly<{ events: readonly DomainEvent[]; facts: Facts; bytes: number }>,
    time: string,
  ) => Promise<void>;
}>;

type Batch = {
  readonly facts: Facts;
  readonly bytes: number;
  /** The log's head behind it; null until it is stored. */
  end: Head | null;
  readonly stored: Promise<void>;
};

/**
 * None at first. `makeRoom` throws what ended the projection; `add` what the log's `append` throws, and `log.conflict`
 * where another process writes it.
 */
export function createBatches({ append, shown, reached }: BatchesDeps): Batches {
  let batches: readonly Batch[] = [];
  const settled = () => Promise.all(batches.map(({ stored }) => stored));
  return {
    makeRoom: async () => {
      const pending = batches.filter(({ end }) => end === null);
      // That it failed is told to those whose wishes were in it.
      if (pending.length >= MAX_APPENDS) await pending[0]?.stored.catch(() => undefined);
      for (;;) {
        const size = shown();
        batches = batches.filter(({ end }) => end === null || end.size > size);
        const [oldest] = batches;
        if (oldest === undefined || isKept(batches)) return;
        await oldest.stored.catch(() => undefined);
        if (oldest.end !== null) await reached(oldest.end.size);
      }
    },
    facts: () => batches.map(({ facts }) => facts),
    unshown: () => {
      const size = shown();
      const stored = batches.filter(({ end }) => end !== null && end.size > size);
      return { facts: stored.map(({ facts }) => facts), head: stored.at(-1)?.end ?? null };
    },
    settled,
    add: async ({ events, facts, bytes }, time) => {
      const stored = store(events, time, append);
      const batch: Batch = {
        facts,
        bytes,
        end: null,
        stored: stored.then((end) => {
          batch.end = end;
        }),
      };
      batches = [...batches, batch];
      batch.stored.catch(() => {
        batches = batches.filter((other) => other !== batch);
      });
      await settled();
    },
  };
}

/** Whether so much may be kept in memory, and a batch more. */
function isKept(batches: readonly Batch[]): boolean {
  const bytes = batches.reduce((sum, batch) => sum + batch.bytes, 0);
  return batches.length < MAX_UNSHOWN_BATCHES && bytes < MAX_UNSHOWN_BYTES;
}

/** Appends the events; gives the log's head behind them. */
async function store(
  events: readonly DomainEvent[],
  time: string,
  append: LogWriter['append'],
): Promise<Head> {
  const result = await append(events.map((event) => ({ event, time, causationId: null })));
  if (result.kind === 'conflict') {
    throw new AppError('log.conflict', {
      expected: result.expected,
      found: result.found,
      next: 'another process writes this log: stop it, then start this one again',
    });
  }
  const last = result.events.at(-1);
  if (last === undefined) throw new TypeError('an append of nothing');
  return { size: last.n + 1, hash: last.hash };
}
