import { expect, test } from 'vitest';
import type { RuntimeFailure } from '#src/cluster/cluster.ts';
import {
  blameOf,
  runtimeNews,
  standingOf,
  wantedAttempt,
} from '#src/handlers/evaluation/decide-runtimes.ts';
import type { RuntimeRecord } from '#src/projectors/evaluation.ts';
import { wantedRuntime } from '../../support/wanted-runtime.ts';

const { family, run, submission, miner, deployment } = wantedRuntime();
const at = { family, run, submission, miner };
const failing = (reason: RuntimeFailure['reason'], ours = true): RuntimeFailure => ({
  reason,
  ours,
  exitCode: null,
  detail: 'why',
});
const recordOf = (
  own: number,
  ours: number,
  phase: RuntimeRecord['phase'] = 'failed',
): RuntimeRecord => ({
  ...at,
  deployment,
  attempt: Math.max(1, own + ours),
  phase,
  failure: null,
  faults: { own, ours },
});

test.each([
  ['its own stays its own', failing('crashed', false), 0, false, false],
  ['the first three while others run are ours', failing('unavailable'), 2, true, true],
  ['the fourth while others run is its own', failing('unavailable'), 3, true, false],
  ['so is what only its objects are refused for', failing('rejected'), 3, true, false],
  ['and what only its bytes do not arrive for', failing('unpack'), 7, true, false],
  ['with nobody else running all are ours', failing('unavailable'), 100, false, true],
  ['want of room never is a miner’s', failing('quota'), 100, true, true],
  ['nor an image of ours', failing('image'), 100, true, true],
  ['nor a lease that we did not renew', failing('deadline'), 100, true, true],
])('%s', (_claim, failure, ourFaults, othersRun, ours) => {
  expect(blameOf(failure, { ourFaults, othersRun }).ours).toBe(ours);
});

test('a submission that never starts while others do is given up after six attempts', () => {
  let record: RuntimeRecord | undefined;
  let attempts = 0;
  for (let now = 0; ; now += 3_600_000) {
    const attempt = wantedAttempt(record, { now, failedAt: null });
    if (attempt === null) break;
    attempts += 1;
    const state = {
      deployment,
      attempt,
      phase: 'failed',
      url: null,
      failure: failing('unavailable'),
    } as const;
    const by = { adapter: 'kubernetes', othersRun: true } as const;
    const news = runtimeNews({ ...at, deployment }, state, record, by);
    if (news?.type !== 'runtime.failed.v1') throw new Error('not told of');
    const { own, ours } = record?.faults ?? { own: 0, ours: 0 };
    record = news.data.ours ? recordOf(own, ours + 1) : recordOf(own + 1, ours);
  }

  expect(attempts).toBe(6);
  expect(standingOf(record, undefined)).toBe('lost');
});

test('while nothing proves that the cluster is well it is begun again and again, and waits', () => {
  const record = recordOf(0, 50);

  expect(wantedAttempt(record, { now: 0, failedAt: null })).toBe(51);
  expect(wantedAttempt(record, { now: 299_999, failedAt: 0 })).toBeNull();
  expect(wantedAttempt(record, { now: 300_000, failedAt: 0 })).toBe(51);
  expect(standingOf(record, { phase: 'starting' })).toBe('waiting');
});

test('an attempt that the log has as failed is not told of twice', () => {
  const state = { deployment, attempt: 1, phase: 'failed', url: null, failure: null } as const;
  const by = { adapter: 'kubernetes', othersRun: false } as const;

  expect(runtimeNews({ ...at, deployment }, state, recordOf(0, 1), by)).toBeNull();
  expect(runtimeNews({ ...at, deployment }, state, recordOf(0, 0, 'ready'), by)).toMatchObject({
    data: { ours: true, reason: 'unavailable' },
  });
});
