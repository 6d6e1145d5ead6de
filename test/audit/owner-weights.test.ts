import { expect, test } from 'vitest';
import type { FamilyWeights } from '#src/audit/audit-context.ts';
import { unruledIntent } from '#src/audit/rules/owner-weights.ts';
import { type Data, newRunRecord, type RunRecord } from '#src/audit/run-record.ts';
import { sha256 } from '#src/events/hash.ts';
import type { Seat, Snapshot } from '#src/events/snapshot.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const FAMILY = 'general_chat';
const [INCUMBENT, OTHER]: readonly Seat[] = ['m1x', 'm2x'].map((name, at) => ({
  hotkey: hotkeyOf(name),
  uid: 5 + at,
  registeredAt: 1,
}));
if (INCUMBENT === undefined || OTHER === undefined) throw new Error('no seats');

type Intent = Data<'weights.intended.v1'>;

/** A run in owner mode, whose owner gave no pick. */
function run(changes: Partial<Snapshot> = {}, known = true): RunRecord {
  const snapshot = (block: number): Snapshot => ({
    block,
    blockHash: sha256(`block ${block}`),
    rowCount: 10,
    voters: [],
    miners: [INCUMBENT, OTHER].filter((seat) => seat !== undefined),
    incumbent: INCUMBENT ?? null,
    ...changes,
  });
  const record = newRunRecord({ family: FAMILY, run: 'run-7' });
  record.facts.open = { known: true, snapshot: snapshot(100) };
  record.facts.current = known
    ? { known: true, snapshot: snapshot(200) }
    : { known: false, reason: 'unavailable' };
  return record;
}

function intent(winner: Seat | null, vector: Intent['vector']): Intent {
  const place = { family: FAMILY, run: 'run-7', mode: 'owner', targetBlock: 300 } as const;
  const reason = 'owner-unknown';
  return { ...place, reason, winner: winner?.hotkey ?? null, vector, outcome: null };
}

const NOTHING_BEFORE: FamilyWeights = { last: null, latestRun: null };

test.for([
  ['all to the incumbent', [{ uid: 5, weight: 65_535 }]],
  [
    'a share to the incumbent, the rest burnt, and padding',
    [
      { uid: 0, weight: 65_535 },
      { uid: 1, weight: 0 },
      { uid: 5, weight: 32_768 },
    ],
  ],
] as const)('without a pick %s follows from the log', ([, vector]) => {
  const meant = intent(INCUMBENT, [...vector]);
  expect(unruledIntent(meant, run(), NOTHING_BEFORE)).toEqual(meant);
});

test.for([
  ['another miner', intent(OTHER, [{ uid: 6, weight: 65_535 }])],
  [
    'a miner beside the incumbent',
    intent(INCUMBENT, [
      { uid: 5, weight: 65_535 },
      { uid: 6, weight: 1 },
    ]),
  ],
  ['nobody at all', intent(INCUMBENT, null)],
  ['the incumbent in the name of another', intent(OTHER, [{ uid: 5, weight: 65_535 }])],
  [
    'a pick that was not observed',
    { ...intent(INCUMBENT, [{ uid: 5, weight: 65_535 }]), reason: 'owner-pick' },
  ],
] as const)('without a pick paying %s does not', ([, meant]) => {
  expect(unruledIntent(meant, run(), NOTHING_BEFORE)).not.toEqual(meant);
});

test('without an incumbent all of it burns', () => {
  const nobody = run({ incumbent: null });
  const burnt = intent(null, [
    { uid: 0, weight: 65_535 },
    { uid: 1, weight: 0 },
  ]);
  expect(unruledIntent(burnt, nobody, NOTHING_BEFORE)).toEqual(burnt);
  const paid = intent(OTHER, [{ uid: 6, weight: 65_535 }]);
  expect(unruledIntent(paid, nobody, NOTHING_BEFORE).winner).toBeNull();
});

test('while the chain is unknown what was meant last is meant again', () => {
  const last = intent(OTHER, [{ uid: 6, weight: 65_535 }]);
  const family = { last, latestRun: 'run-6' };
  expect(unruledIntent(last, run({}, false), family)).toEqual(last);
  const other = intent(INCUMBENT, [{ uid: 5, weight: 65_535 }]);
  expect(unruledIntent(other, run({}, false), family)).not.toEqual(other);
});

test('a pick without a seat is held like no pick, and says so', () => {
  const unseated = run();
  const scores = { share: 1_000_000_000, scores: [], evidence: sha256('owner') };
  unseated.ownerPick = { family: FAMILY, run: 'run-7', winner: hotkeyOf('gone'), ...scores };
  const meant = intent(INCUMBENT, [{ uid: 5, weight: 65_535 }]);
  const held = { ...meant, reason: 'owner-pick-unregistered' } as const;
  expect(unruledIntent(held, unseated, NOTHING_BEFORE)).toEqual(held);
  expect(unruledIntent(meant, unseated, NOTHING_BEFORE)).toEqual(held);
});
