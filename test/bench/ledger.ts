import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { type LiveLedger, liveLedger, TOKEN } from '../support/live-ledger.ts';
import type { LedgerLoad, LedgerLoaded } from './ledger-load.ts';
import { summarise } from './measure.ts';
import { type Benchmark, plainRow, type Row } from './row.ts';

/** A tenth more than must be sustained: a rate that is only just reached says nothing. */
const OFFERED_PER_SECOND = 5_500;

/**
 * Attestations into `eirel ledger`, a process of its own over a nats-server that syncs each batch: at the rate that it
 * is made for while jobs are read, then as fast as they are taken.
 */
export const ledger: Benchmark = {
  name: 'ledger',
  summary: 'attestations that are sustained into log and projection, and reads meanwhile',
  measure: async (quick) => {
    await using offered = await liveLedger();
    const sustained = await loaded(offered, {
      seconds: quick ? 2 : 60,
      perSecond: OFFERED_PER_SECOND,
    });
    await using pushed = await liveLedger();
    const fastest = await loaded(pushed, { seconds: quick ? 2 : 15, perSecond: null });
    const once = (figure: number) => ({ median: figure, low: figure, high: figure });
    const rate = ({ acknowledged, seconds }: LedgerLoaded) => once(acknowledged / seconds);
    const reads = (what: string, { reads }: LedgerLoaded): Omit<Row, 'name' | 'targets'> => ({
      what: `job_ledger while ${what}, 99th percentile (median, 99.9th)`,
      unit: 'ms',
      value: {
        median: percentile(reads, 0.99),
        low: summarise(reads).median,
        high: percentile(reads, 0.999),
      },
      reference: null,
    });
    return [
      plainRow(
        {
          name: 'ledger-sustained',
          what: `attestations acknowledged of ${OFFERED_PER_SECOND}/s`,
          unit: 'calls/s',
        },
        rate(sustained),
        [{ of: 'value', is: 'at least', bound: 5_000 }],
      ),
      {
        name: 'ledger-reads',
        ...reads('they come in', sustained),
        targets: [{ of: 'value', is: 'at most', bound: 20 }],
      },
      plainRow(
        { name: 'ledger-fastest', what: 'attestations, 16 connections', unit: 'calls/s' },
        rate(fastest),
      ),
      {
        name: 'ledger-reads-fastest',
        ...reads('as many as possible come in', fastest),
        targets: [],
      },
    ];
  },
};

async function loaded(
  { url }: LiveLedger,
  load: Pick<LedgerLoad, 'seconds' | 'perSecond'>,
): Promise<LedgerLoaded> {
  const workerData: LedgerLoad = { url, token: TOKEN, ...load };
  const worker = new Worker(new URL('ledger-load.ts', import.meta.url), { workerData });
  // safe: the worker posts what its type says, or fails
  const [result] = (await once(worker, 'message')) as [LedgerLoaded];
  await worker.terminate();
  if (result.found !== result.acknowledged)
    throw new Error(`${result.acknowledged} calls were acknowledged, ${result.found} are there`);
  return result;
}

function percentile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
