import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogReader } from '#src/events/log.ts';
import { scoreStore } from '#src/projectors/score-store.ts';
import type { LogStore } from '#src/runtime/log-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { rebuildProjection } from '#src/runtime/rebuild.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { appendAll, startBroker } from './broker.ts';
import { compare, perSecond } from './measure.ts';
import { type Benchmark, comparedRow } from './row.ts';
import { draftsOf, inBatches, scoreEvents } from './workload.ts';

/** Deriving the score store anew: every event fetched, verified against the hash chain, and written. */
export const rebuild: Benchmark = {
  name: 'rebuild',
  summary: 'rebuilding the score store, as a share of merely fetching the log',
  measure: async (quick) => {
    const count = quick ? 2_000 : 131_072;
    await using broker = await startBroker(1);
    await using scratch = await scratchDirectory();
    const store = await broker.freshStore();
    const log = await openLog(store);
    await appendAll(log, inBatches(draftsOf(scoreEvents(count)), 1_000), 2);
    const compared = await compare(
      {
        subject: () => rebuildRate(log, join(scratch.path, 'projections'), count),
        reference: () => perSecond(count, () => fetchAll(store, count)),
      },
      quick ? { warmUps: 0, rounds: 2 } : { warmUps: 1, rounds: 7 },
    );
    return [
      comparedRow(
        {
          name: 'rebuild',
          what: `rebuild of the score store, ${count.toLocaleString('en-US')} events`,
          unit: 'events/s',
          against: 'fetching the same log',
        },
        compared,
        [{ of: 'value', is: 'at least', bound: 50_000 }],
      ),
    ];
  },
};

async function rebuildRate(log: LogReader, dir: string, count: number): Promise<number> {
  const { signal } = new AbortController();
  const options = { dir, onProgress: () => undefined, signal };
  const rate = await perSecond(count, async () => {
    const { size } = await rebuildProjection(scoreStore, log, options);
    if (size !== count) throw new Error(`a rebuild ended at event ${size}`);
  });
  await rm(dir, { recursive: true });
  return rate;
}

/** As many at once as a reader takes, and like it the next ones while these are looked at. */
const FETCH_EVENTS = 500;

async function fetchAll(store: LogStore, count: number): Promise<void> {
  let next = store.fetch(0, FETCH_EVENTS);
  for (let from = FETCH_EVENTS, fetched = 0; fetched < count; from += FETCH_EVENTS) {
    const current = next;
    next = store.fetch(from, Math.min(FETCH_EVENTS, Math.max(1, count - from)));
    const { length } = await current;
    if (length === 0) throw new Error(`the log ended at event ${fetched}`);
    fetched += length;
  }
  await next;
}
