import { expect, test } from 'vitest';
import type { RuntimeFailure } from '#src/cluster/cluster.ts';
import {
  blameOf,
  runtimeNews,
  standingOf,
  wantedAttempt,
} from '#src/handlers/evaluation/decide-runtimes.ts';
import type { RuntimeRecord } from '#src/projectors/runtime-queries.ts';
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

const AWAY = 'proxy: was away';

test.each([
  ['its own stays its own', failing('crashed', false), null, false],
  [
    'what its program does while a service of ours is away is ours',
    failing('crashed', false),
    AWAY,
    true,
  ],
  ['so is that it is not ready', failing('not-ready', false), AWAY, true],
  ['no outage unpacks an archive', failing('unpack', false), AWAY, false],
  ['ours stays ours', failing('unavailable'), null, true],
])('%s', (_claim, failure, outage, ours) => {
  expect(blameOf(failure, outage).ours).toBe(ours);
});

test.each(['quota', 'image', 'rejected', 'unpack', 'deadline', 'unavailable'] as const)(
  'what fails by us (%s) loses no miner, however often, and is begun again',
  (reason) => {
    let record: RuntimeRecord | undefined;
    for (let attempt = 1; attempt <= 20; attempt++) {
      expect(wantedAttempt(record, { now: 0, failedAt: null })).toBe(attempt);
      const state = {
        deployment,
        attempt,
        phase: 'failed',
        url: null,
        failure: failing(reason),
      } as const;
      const by = { adapter: 'kubernetes', outage: null } as const;
      const news = runtimeNews({ ...at, deployment }, state, record, by);
      expect(news).toMatchObject({ data: { ours: true } });
      record = recordOf(0, attempt);
    }
    expect(standingOf(record, undefined)).toBe('waiting');
  },
);

test('a submission that ends itself three times is lost', () => {
  expect(standingOf(recordOf(2, 9), undefined)).toBe('waiting');
  expect(standingOf(recordOf(3, 0), undefined)).toBe('lost');
  expect(wantedAttempt(recordOf(3, 0), { now: 0, failedAt: null })).toBeNull();
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
  const by = { adapter: 'kubernetes', outage: null } as const;

  expect(runtimeNews({ ...at, deployment }, state, recordOf(0, 1), by)).toBeNull();
  expect(runtimeNews({ ...at, deployment }, state, recordOf(0, 0, 'ready'), by)).toMatchObject({
    data: { ours: true, reason: 'unavailable' },
  });
});
