import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Draft } from '#src/events/envelope.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { liveLedger, TOKEN } from '../support/live-ledger.ts';
import { appendAll, startBroker } from './broker.ts';
import type { LedgerCounted, LedgerLoad, LedgerLoaded } from './ledger-load.ts';
import { perSecond, type Summary } from './measure.ts';
import { processorSeconds } from './processor-time.ts';
import { type Benchmark, plainRow, type Row } from './row.ts';
import { inBatches } from './workload.ts';

/** A little more than must be sustained, so that what is reached is above it. */
const OFFERED_PER_SECOND = 5_100;

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
    const rows = sustainedRows(await measured(atRate));
    const bare = await bareAppends(quick ? 5_000 : 50_000);
    const fast = await measured({ ...inArrays, ...fastest });
    const single = await measured({ writers: SINGLE_WRITERS, array: 1, ...fastest });
    const how = `as fast as they are taken, in arrays of ${ARRAY}`;
    return [
      ...rows,
      { ...rateRow('fastest', how, fast), reference: referenceTo(rateOf(fast), bare) },
      rateRow('single', `one by one, ${SINGLE_WRITERS} connections`, single),
    ];
  },
};

type Load = Omit<LedgerLoad, 'url' | 'token'>;

/** What a load came to, with the processor time of all three processes in seconds. */
type Measured = LedgerLoaded &
  LedgerCounted &
  Readonly<{ ledgerProcessor: number; natsProcessor: number }>;

async function measured(load: Load): Promise<Measured> {
  await using live = await liveLedger();
  const taken = async () => ({
    ledgerProcessor: await processorSeconds('eirel.ts ledger'),
    natsProcessor: await processorSeconds('nats-server'),
  });
  const before = await taken();
  const program = fileURLToPath(new URL('ledger-load.ts', import.meta.url));
  const given: LedgerLoad = { url: live.url, token: TOKEN, ...load };
  const child = spawn(process.execPath, [program, JSON.stringify(given)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const loaded = await told<LedgerLoaded>(lines);
  const after = await taken();
  return {
    ...loaded,
    ...(await told<LedgerCounted>(lines)),
    ledgerProcessor: after.ledgerProcessor - before.ledgerProcessor,
    natsProcessor: after.natsProcessor - before.natsProcessor,
  };
}

async function told<T>(lines: AsyncIterator<string>): Promise<T> {
  const line = await lines.next();
  if (line.done === true) throw new Error('the load ended before its time');
  return JSON.parse(line.value) as T; // safe: it tells what its types say, in their order
}

function sustainedRows(sustained: Measured): readonly Row[] {
  const { acknowledged, found, reads, writes, refused } = sustained;
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
      once(rateOf(sustained)),
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

/** What the log alone takes in a second: calls in appends of as many as an array has, by the writer in one process. */
async function bareAppends(calls: number): Promise<number> {
  await using broker = await startBroker(1);
  const log = await openLog(await broker.freshStore());
  const batches = inBatches(
    Array.from({ length: calls }, (_, index) => draftOf(index)),
    ARRAY,
  );
  return await perSecond(calls, () => appendAll(log, batches, WRITERS));
}

/** As large as the calls that the load sends. */
function draftOf(index: number): Draft {
  const data = {
    call: randomUUID(),
    job: `task-eval=task-0-${index}-0;deployment=11111111-2222-3333-4444-555555555555`,
    tool: 'web_search',
    args: `{"query":"what is the capital of country number ${index}?","top_k":5}`,
    argsHash: 'd6fde033833847a90b1ac262756b28c38f210067faf89546fef8569092d24cce',
    result: '{"backend": "brave", "n_results": 5}',
    latencyMs: 120,
    cost: 3_000_000,
    status: 'ok',
    error: null,
  };
  const time = '2026-11-29T12:00:00.000Z';
  return { event: { type: 'tool.called.v1', data }, time, causationId: null };
}

function referenceTo(rate: number, bare: number): Row['reference'] {
  const what = `the same calls appended to a log, nothing else, ${ARRAY} each`;
  return { what, value: once(bare), ratio: once(rate / bare) };
}

function rateOf({ acknowledged, seconds }: LedgerLoaded): number {
  return acknowledged / seconds;
}

function rateRow(name: string, how: string, result: Measured): Row {
  const { acknowledged, found } = result;
  if (found !== acknowledged)
    throw new Error(`${acknowledged} calls were acknowledged, ${found} are there`);
  return plainRow(
    { name: `ledger-${name}`, what: `attestations ${how}`, unit: 'calls/s' },
    once(rateOf(result)),
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
