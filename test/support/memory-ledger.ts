import type { LogWriter } from '#src/events/log.ts';
import { createLedger, type Ledger } from '#src/handlers/ledger/ledger.ts';
import type {
  JobTerms,
  MeteredCost,
  ReservedCost,
  ToolCall,
} from '#src/handlers/ledger/ledger-port.ts';
import { ledger as projector } from '#src/projectors/ledger.ts';
import type { Queries } from '#src/projectors/projector.ts';
import { type MemoryDisk, memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { openProjection, type Projection } from '#src/runtime/projection.ts';
import { runProjections } from '#src/runtime/projection-pump.ts';
import { IN_MEMORY } from '#src/runtime/sqlite.ts';
import { takeTurns } from '#src/runtime/turns.ts';
import { hotkey } from './recorded-events.ts';

const SOURCE = 'eirel.network/ledger/v1/00000000/36/test';
const deployment = '11111111-2222-3333-4444-555555555555';
export const JOB = `task-eval=t-1;deployment=${deployment}`;

export const TERMS: JobTerms = {
  family: 'general_chat',
  run: 'run-7',
  job: JOB,
  task: 't-1',
  miner: hotkey('m'),
  deployment,
  budget: 30_000_000_000,
  calls: 12,
  expires: '2026-11-29T12:00:00.000Z',
};

/** A call of a tool for that job. */
export function toolCall(call: string, more: Partial<ToolCall> = {}): ToolCall {
  return {
    call,
    job: JOB,
    tool: 'web_search',
    args: '{"query":"caf\\u00e9","top_k":5}',
    argsHash: 'd6fde033833847a90b1ac262756b28c38f210067faf89546fef8569092d24cce',
    result: '{"n_results": 1}',
    latencyMs: 12,
    cost: 3_000_000,
    status: 'ok',
    error: null,
    ...more,
  };
}

/** The same call of a model before it is made. */
export function reservedCall(call: string, more: Partial<ReservedCost> = {}): ReservedCost {
  const { job, provider, model, prices } = modelCall(call);
  return { call, job, provider, model, most: 8_192_000, prices, ...more };
}

/** A call of a model for that job. */
export function modelCall(call: string, more: Partial<MeteredCost> = {}): MeteredCost {
  return {
    call,
    job: JOB,
    provider: 'chutes',
    model: 'zai-org/GLM-5.1-TEE',
    promptTokens: 10,
    cachedTokens: 0,
    completionTokens: 20,
    latencyMs: 300,
    cost: 45_000,
    unknown: null,
    prices: '2026-11-23',
    status: 'ok',
    error: null,
    ...more,
  };
}

export type MemoryLedger = AsyncDisposable & Readonly<{ ledger: Ledger; disk: MemoryDisk }>;

/**
 * The ledger over a log in memory, on what an earlier one left; `through` stands in for its appends, `projecting` for
 * what its projection does with a batch, `reading` for how that is asked.
 */
export async function memoryLedger(
  disk: MemoryDisk = memoryDisk(),
  through: (append: LogWriter['append']) => LogWriter['append'] = (append) => append,
  projecting: (apply: Projection['apply']) => Projection['apply'] = (apply) => apply,
  reading: (queries: Queries) => Queries = (queries) => queries,
): Promise<MemoryLedger> {
  const stop = new AbortController();
  const log = await openLog(memoryStore({ name: 'ledger', source: SOURCE }, disk));
  const projection = await openProjection(projector, { dir: IN_MEMORY, source: SOURCE });
  const held = Object.create(projection, {
    apply: { value: projecting(projection.apply) },
  }) as Projection; // safe: it is that projection in all but what it does with a batch
  const pump = runProjections(log, [held], { signal: stop.signal, follow: true });
  await pump.reached((await log.head()).size);
  let seconds = 0;
  const ledger = createLedger({
    append: through(log.append),
    queries: reading(projection.queries),
    shown: () => projection.head.size,
    reached: pump.reached,
    ...takeTurns(),
    now: () => new Date(Date.UTC(2026, 10, 29, 12, 0, seconds++)).toISOString(),
  });
  return {
    ledger,
    disk,
    [Symbol.asyncDispose]: async () => {
      stop.abort(new Error('the test is over'));
      await pump.ended;
      await projection[Symbol.asyncDispose]();
    },
  };
}

/** Appends that store nothing before they are released. */
export function heldAppends() {
  const gate = Promise.withResolvers<void>();
  return {
    append: (append: LogWriter['append']): LogWriter['append'] => {
      return async (drafts) => {
        await gate.promise;
        return append(drafts);
      };
    },
    release: (): void => gate.resolve(),
  };
}
