import { expect, test } from 'vitest';
import type { Known } from '#src/chain/chain.ts';
import { AppError, type ErrorCode } from '#src/errors.ts';
import {
  type LoopState,
  newLoopState,
  runRound,
  runValidatorLoop,
} from '#src/handlers/validator-loop.ts';
import type { Run } from '#src/projectors/run-state.ts';

const UNKNOWN: Known<number> = { known: false, reason: 'unavailable', detail: 'no answer' };
const at = (value: number): Known<number> => ({ known: true, value });

function run(name: string): Run {
  return {
    family: 'general_chat',
    run: name,
    sequence: 1,
    openedN: 0,
    roster: '',
    phases: { snapshot: 1, commit: 2, decide: 3, certify: 4 },
    miners: [],
    tasks: [],
    sample: null,
    measured: false,
    status: 'open',
    closedReason: null,
    done: false,
  };
}

/** One round at a head; which runs it advanced at which block. */
async function roundAt(
  state: LoopState,
  head: Known<number>,
  failing: Readonly<Record<string, unknown>> = {},
): Promise<readonly string[]> {
  const advanced: string[] = [];
  await runRound(state, {
    finalizedBlock: () => Promise.resolve(head),
    unfinishedRuns: () => Promise.resolve([run('run-1'), run('run-2')]),
    advance: ({ run }, block) => {
      advanced.push(`${run} at ${block}`);
      return run in failing ? Promise.reject(failing[run]) : Promise.resolve();
    },
  }).catch((error: unknown) => {
    advanced.push(error instanceof Error ? error.message : String(error));
  });
  return advanced;
}

test('a round takes every unfinished run as far as it gets at the newest block', async () => {
  const state = newLoopState();
  expect(await roundAt(state, at(7))).toEqual(['run-1 at 7', 'run-2 at 7']);
  expect(state).toMatchObject({ block: 7, chain: 'known', chainDetail: null });
});

test('with an unknown chain nothing moves, and what was known stays', async () => {
  const state = newLoopState();
  expect(await roundAt(state, UNKNOWN)).toEqual([]);
  expect(state).toMatchObject({
    block: null,
    chain: 'unknown',
    chainDetail: 'unavailable: no answer',
  });
  await roundAt(state, at(7));
  expect(await roundAt(state, UNKNOWN)).toEqual([]);
  expect(state).toMatchObject({ block: 7, chain: 'unknown' });
});

test('a head that goes back does not take the runs back', async () => {
  const state = newLoopState();
  await roundAt(state, at(7));
  state.settled = null;
  expect(await roundAt(state, at(5))).toEqual(['run-1 at 7', 'run-2 at 7']);
  expect(state.block).toBe(7);
});

test('peers are asked once a block; a command or a failure makes the next round due', async () => {
  const state = newLoopState();
  await roundAt(state, at(7));
  expect(await roundAt(state, at(7))).toEqual([]);
  state.settled = null; // what a command does
  expect(await roundAt(state, at(7))).toHaveLength(2);
  expect(await roundAt(state, at(8), { 'run-1': new Error('broken') })).toContain('broken');
  expect(await roundAt(state, at(8))).toHaveLength(2);
  expect(await roundAt(state, at(8))).toEqual([]);
});

test('a run that fails holds up no other, and its failure is told', async () => {
  const state = newLoopState();
  const failing = { 'run-1': new Error('first'), 'run-2': new Error('second') };
  expect(await roundAt(state, at(7), failing)).toEqual(['run-1 at 7', 'run-2 at 7', 'first']);
});

test('after a conflict no run is touched any more', async () => {
  const failing = { 'run-1': new AppError('log.conflict') };
  expect(await roundAt(newLoopState(), at(7), failing)).toEqual(['run-1 at 7', 'log.conflict']);
});

/** The loop over rounds that end as listed, then an abort; which waits it made, and what it told. */
async function loop(rounds: readonly unknown[]) {
  const stop = new AbortController();
  const state = newLoopState();
  const waits: number[] = [];
  const told: unknown[] = [];
  const seen: Pick<LoopState, 'failures' | 'lastError'>[] = [];
  let next = 0;
  await runValidatorLoop(state, 1_000, {
    round: () => {
      const failure = rounds[next++] ?? null;
      return failure === null ? Promise.resolve() : Promise.reject(failure);
    },
    wait: (ms) => {
      waits.push(ms);
      seen.push({ failures: state.failures, lastError: state.lastError });
      if (next >= rounds.length) stop.abort();
      return Promise.resolve();
    },
    onFailure: (error) => told.push(error),
    signal: stop.signal,
  });
  return { waits, told, seen, rounds: next };
}

test('good rounds follow each other at the poll interval', async () => {
  expect(await loop([null, null, null])).toMatchObject({
    waits: [1_000, 1_000, 1_000],
    told: [],
    rounds: 3,
  });
});

test('a failure is told, shows in the state and backs off, until a round goes through', async () => {
  const broken = new Error('broken');
  const { waits, told, seen } = await loop([broken, broken, null, broken]);
  expect(waits).toEqual([200, 400, 1_000, 200]);
  expect(told).toEqual([broken, broken, broken]);
  expect(seen).toEqual([
    { failures: 1, lastError: 'broken' },
    { failures: 2, lastError: 'broken' },
    { failures: 0, lastError: null },
    { failures: 1, lastError: 'broken' },
  ]);
});

test('the back-off grows to half a minute and no further', async () => {
  const { waits } = await loop(Array.from({ length: 40 }, () => 'no error object'));
  expect(waits.slice(0, 9)).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
  expect(new Set(waits.slice(8))).toEqual(new Set([30_000]));
});

test.for<ErrorCode>(['log.conflict', 'log.broken'])('%s ends the loop', async (code) => {
  const ended = loop([null, new AppError(code), null]);
  await expect(ended).rejects.toThrow(code);
});

test.for<ErrorCode>(['log.unavailable', 'projection.damaged', 'input.invalid'])(
  '%s does not end the loop',
  async (code) => {
    expect((await loop([new AppError(code), null])).rounds).toBe(2);
  },
);

test('an abort ends the loop without an error, even within a round that fails', async () => {
  const stop = new AbortController();
  const told: unknown[] = [];
  await runValidatorLoop(newLoopState(), 1_000, {
    round: () => {
      stop.abort();
      return Promise.reject(new AppError('log.unavailable'));
    },
    wait: () => Promise.reject(new Error('nothing is left to wait for')),
    onFailure: (error) => told.push(error),
    signal: stop.signal,
  });
  expect(told).toEqual([]);
});
