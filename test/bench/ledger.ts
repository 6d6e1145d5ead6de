import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { liveLedger, TOKEN } from '../support/live-ledger.ts';
import type { LedgerLoad, LedgerLoaded } from './ledger-load.ts';
import type { Summary } from './measure.ts';
import { processorSeconds } from './processor-time.ts';
import { type Benchmark, plainRow, type Row } from './row.ts';

/** A tenth more than must be sustained: a rate that is only just reached says nothing. */
const OFFERED_PER_SECOND = 5_500;

/** What a tool gathers in 20 ms of that: a request has 47 KB. */
const ARRAY = 100;

/** Four tools, four connections each. */
const WRITERS = 16;

/** Enough that the ledger always has some to put together. */
const SINGLE_WRITERS = 64;

/**
 * Attestations into `eirel ledger`, a process of its own over a nats-server that syncs each batch, from a third process:
 * at the rate that the ledger is made for while jobs are read, then as fast as they are taken, in arrays and one by one.
 */
export const ledger: Benchmark = {
  name: 'ledger',
  summary: 'attestations that are sustained into log and projection, and reads meanwhile',
  measure: async (quick) => {
    const inArrays = { writers: WRITERS, array: ARRAY };
    const atRate = { ...inArrays, perSecond: OFFERED_PER_SECOND, seconds: quick ? 2 : 60 };
    const fastest = { perSecond: null, seconds: quick ? 2 : 15 };
    return [
      ...sustainedRows(await measured(atRate)),
      rateRow('fastest', `as fast as they are taken, arrays of ${ARRAY}, ${WRITERS} connections`, {
        ...(await measured({ ...inArrays, ...fastest })),
      }),
      rateRow('single', `one by one, ${SINGLE_WRITERS} connections`, {
        ...(await measured({ writers: SINGLE_WRITERS, array: 1, ...fastest })),
      }),
    ];
  },
};

type Load = Omit<LedgerLoad, 'url' | 'token'>;

/** What a load came to, with the processor time of all three processes in seconds. */
type Measured = LedgerLoaded & Readonly<{ ledgerProcessor: number; natsProcessor: number }>;

async function measured(load: Load): Promise<Measured> {
  await using live = await liveLedger();
  const taken = async () => ({
    ledger: await processorSeconds('eirel.ts ledger'),
    nats: await processorSeconds('nats-server'),
  });
  const before = await taken();
  const result = await loaded({ url: live.url, token: TOKEN, ...load });
  const after = await taken();
  return {
    ...result,
    ledgerProcessor: after.ledger - before.ledger,
    natsProcessor: after.nats - before.nats,
  };
}

async function loaded(load: LedgerLoad): Promise<LedgerLoaded> {
  const program = fileURLToPath(new URL('ledger-load.ts', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(load)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const told = await text(child.stdout);
  if (told === '') throw new Error('the load ended without a result');
  return JSON.parse(told) as LedgerLoaded; // safe: it writes what its type says, or nothing
}

function sustainedRows(sustained: Measured): readonly Row[] {
  const { acknowledged, seconds, found, reads, writes, refused } = sustained;
  const arrays = `in arrays of ${ARRAY}, ${WRITERS} connections`;
  const read = (share: number) => once(quantile(reads, share));
  const ms = (name: string, what: string) => ({ name, what, unit: 'ms' });
  return [
    plainRow(
      {
        name: 'ledger-sustained',
        what: `attestations acknowledged of ${OFFERED_PER_SECOND}/s, ${arrays}`,
        unit: 'calls/s',
      },
      once(acknowledged / seconds),
      [{ of: 'value', is: 'at least', bound: 5_000 }],
    ),
    plainRow(
      { name: 'ledger-lost', what: 'of them lost', unit: 'calls' },
      once(acknowledged - found),
      [{ of: 'value', is: 'at most', bound: 0 }],
    ),
    plainRow(
      { name: 'ledger-refused', what: 'arrays that were told 503 and sent again', unit: 'arrays' },
      once(refused),
    ),
    plainRow(ms('ledger-reads-median', 'job_ledger meanwhile, median'), read(0.5)),
    plainRow(ms('ledger-reads', 'job_ledger meanwhile, 99th percentile'), read(0.99), [
      { of: 'value', is: 'at most', bound: 20 },
    ]),
    plainRow(
      ms('ledger-reads-longest', `job_ledger meanwhile, longest of ${reads.length}`),
      read(1),
    ),
    plainRow(
      ms('ledger-writes', 'an array meanwhile, 99th percentile'),
      once(quantile(writes, 0.99)),
    ),
    ...processorRows(sustained),
  ];
}

/** Two cores have 2,000 ms of a second: what all three take together for 5,000 calls has to be well below. */
function processorRows(sustained: Measured): readonly Row[] {
  const { acknowledged, ledgerProcessor, natsProcessor, processor } = sustained;
  const row = (name: string, what: string, seconds: number): Row =>
    plainRow(
      {
        name: `ledger-processor-${name}`,
        what: `processor time of ${what}`,
        unit: 'ms/1,000 calls',
      },
      once((seconds * 1e6) / acknowledged),
    );
  return [
    row('ledger', 'the ledger', ledgerProcessor),
    row('nats', 'its nats-server', natsProcessor),
    row('load', 'the load', processor),
  ];
}

function rateRow(name: string, how: string, { acknowledged, found, seconds }: LedgerLoaded): Row {
  if (found !== acknowledged)
    throw new Error(`${acknowledged} calls were acknowledged, ${found} are there`);
  return plainRow(
    { name: `ledger-${name}`, what: `attestations ${how}`, unit: 'calls/s' },
    once(acknowledged / seconds),
  );
}

/** A figure that is taken once: a minute has no quartiles. */
function once(figure: number): Summary {
  return { median: figure, low: figure, high: figure };
}

/** The smallest figure that so large a share of all is not above. */
function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
