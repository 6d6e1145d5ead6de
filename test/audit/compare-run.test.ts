import { expect, test } from 'vitest';
import { auditLog } from '#src/audit/audit-log.ts';
import { type ChainRun, compareRun } from '#src/audit/compare-run.ts';
import type { RunReport } from '#src/audit/run-report.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { GENESIS, honestLog, NETUID, noteOf, SELF } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';

const LOG = honestLog({ runs: 2, miners: 3, tasks: 2 });

async function reportOf(run: string): Promise<RunReport> {
  const expected = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };
  const source = sourceOf(filesOf(LOG, noteOf(LOG)));
  const { runs } = await auditLog(
    source,
    { ...expected, claims: [], run },
    { verify: verifySr25519, blake2b256 },
  );
  const [report] = runs;
  if (report === undefined) throw new Error(`no ${run}`);
  return report;
}

/** A chain that holds what the run came to. */
function chainOf({ intents, run, commitment }: RunReport): ChainRun {
  const vector = intents.at(-1)?.vector ?? null;
  return {
    weights: { known: true, value: { block: 9_000, vector } },
    slots: {
      known: true,
      value: [
        { block: 1, fields: [null] },
        { block: 2, fields: [`eirel/scores/v1:${run}:${commitment}`] },
      ],
    },
  };
}

const verdicts = (report: RunReport, chain: ChainRun | null) =>
  compareRun(report, chain).map(({ verdict }) => verdict);

test('a run is told in full, as it was computed again', async () => {
  const report = await reportOf('run-2');
  expect(report).toMatchObject({ family: 'general_chat', run: 'run-2', superseded: false });
  expect(report.validators.map(({ status, signed }) => [status, signed])).toEqual(
    Array.from({ length: 4 }, () => ['accepted', 'this']),
  );
  expect(report.decision?.medians).toHaveLength(3);
  expect(report.certificate).toMatchObject({ signed: '1140', total: '1140' });
  expect(report.attempts.map(({ purpose, outcome }) => [purpose, outcome])).toEqual([
    ['commitment', 'succeeded'],
    ['weights', 'succeeded'],
  ]);
});

test('a run whose weights gave way to a later one is told in full as well', async () => {
  const report = await reportOf('run-1');
  expect(report.superseded).toBe(true);
  expect(report.decision?.medians).toHaveLength(3);
  expect(verdicts(report, chainOf(report))).toEqual(['not-checked', 'same']);
});

test('a chain that holds the same weights and commitment is the same', async () => {
  const report = await reportOf('run-2');
  expect(verdicts(report, chainOf(report))).toEqual(['same', 'same']);
});

test('a chain that was not asked, or does not know, is not checked', async () => {
  const report = await reportOf('run-2');
  expect(verdicts(report, null)).toEqual(['not-checked', 'not-checked']);
  const away = { known: false, detail: 'away' } as const;
  expect(compareRun(report, { weights: away, slots: away })).toMatchObject([
    { verdict: 'not-checked', detail: 'away' },
    { verdict: 'not-checked', detail: 'away' },
  ]);
});

test.for<readonly [string, (chain: ChainRun) => ChainRun, readonly string[]]>([
  [
    'other weights',
    (chain) => ({
      ...chain,
      weights: { known: true, value: { block: 1, vector: [{ uid: 0, weight: 65_535 }] } },
    }),
    ['differs', 'same'],
  ],
  [
    'no weights',
    (chain) => ({ ...chain, weights: { known: true, value: { block: 1, vector: null } } }),
    ['differs', 'same'],
  ],
  [
    'another commitment to the run',
    (chain) => ({
      ...chain,
      slots: {
        known: true,
        value: [{ block: 2, fields: [`eirel/scores/v1:run-2:${'ab'.repeat(32)}`] }],
      },
    }),
    ['same', 'differs'],
  ],
  [
    'no commitment to the run',
    (chain) => ({ ...chain, slots: { known: true, value: [] } }),
    ['same', 'differs'],
  ],
])('a chain that holds %s differs', async ([, change, expected]) => {
  const report = await reportOf('run-2');
  expect(verdicts(report, change(chainOf(report)))).toEqual(expected);
});
