import { setImmediate as turn } from 'node:timers/promises';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { type Head, type Recorded, seal } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import type { BlobStore } from '#src/handlers/blobs.ts';
import { projectors } from '#src/projectors/all.ts';
import type { Projector, Queries } from '#src/projectors/projector.ts';
import { openProjection } from '#src/runtime/projection.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';
import { SOURCE } from './recorded-events.ts';

export type IdleClock = ReturnType<typeof idleClock>;

/** A clock on which time passes only while nothing is under way that is not a waiting on it. */
export function idleClock(start: number) {
  let now = start;
  let underWay = 0;
  const waiting = new Set<{ at: number; wake: () => void }>();
  const idle = async (): Promise<void> => {
    for (let quiet = 0; quiet < 3; quiet = underWay === 0 ? quiet + 1 : 0) await turn();
  };
  return {
    now: () => now,
    /** Something that takes real time: the clock stands meanwhile. */
    during: async <T>(act: () => Promise<T>): Promise<T> => {
      underWay += 1;
      try {
        return await act();
      } finally {
        underWay -= 1;
      }
    },
    wait: (ms: number): Promise<void> => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add({ at: now + ms, wake: resolve });
      return promise;
    },
    pass: async (ms: number): Promise<void> => {
      const until = now + ms;
      for (;;) {
        await idle();
        const next = [...waiting].toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > until) break;
        now = Math.max(now, next.at);
        waiting.delete(next);
        next.wake();
      }
      now = until;
    },
  };
}

/** A log in memory with the projections that the evaluation reads; each event is checked as the product checks it. */
export async function simulatedLog(clock: IdleClock) {
  const wanted = ['runState', 'scoreStore', 'decisions', 'evaluation'] as const;
  const open = (projector: Projector) =>
    openProjection(projector, { dir: IN_MEMORY, source: SOURCE });
  const projections = await Promise.all(wanted.map((name) => open(projectors[name])));
  const events: Recorded[] = [];
  let head: Head = EMPTY;
  const queriesOf = (name: (typeof wanted)[number]): Queries => {
    const projection = projections[wanted.indexOf(name)];
    if (projection === undefined) throw new Error(name);
    return { all: (sql, values) => clock.during(() => projection.queries.all(sql, values)) };
  };
  return {
    events,
    data: <Type extends DomainEvent['type']>(type: Type) =>
      events.flatMap(({ event }) =>
        event.type === type ? [event.data as Extract<DomainEvent, { type: Type }>['data']] : [],
      ), // safe: its type says so
    queries: {
      runState: queriesOf('runState'),
      decisions: queriesOf('decisions'),
      evaluation: queriesOf('evaluation'),
      scoreStore: queriesOf('scoreStore'),
    },
    record: (drafts: readonly DomainEvent[]): Promise<void> =>
      clock.during(async () => {
        const time = new Date(clock.now()).toISOString();
        const sealed = drafts.map((event) => {
          const next = seal({ event, time, causationId: null }, SOURCE, head);
          head = next.head;
          return next;
        });
        const recorded = sealed.map((each) => each.recorded);
        events.push(...recorded);
        const batch = { events: recorded, payloads: sealed.map(({ payload }) => payload), head };
        for (const projection of projections) await projection.apply(batch);
      }),
    [Symbol.asyncDispose]: async (): Promise<void> => {
      for (const projection of projections) await projection[Symbol.asyncDispose]();
    },
  };
}

/** Documents in memory. */
export function memoryBlobs(): BlobStore {
  const kept = new Map<string, Uint8Array>();
  return {
    put: (bytes) => {
      const name = sha256(bytes);
      kept.set(name, bytes);
      return Promise.resolve(name);
    },
    get: (name) => Promise.resolve(kept.get(name) ?? null),
    has: (name) => Promise.resolve(kept.has(name)),
    size: (name) => Promise.resolve(kept.get(name)?.length ?? null),
  };
}
