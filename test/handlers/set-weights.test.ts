import { expect, test } from 'vitest';
import type { Known } from '#src/chain/chain.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Certificate, Outcome } from '#src/events/decision.ts';
import { sha256 } from '#src/events/hash.ts';
import { type Vector, WeightsIntended, WeightsObserved } from '#src/events/weights.ts';
import {
  decideWeights,
  intendWeights,
  observeWeights,
  submitWeights,
  type WeightView,
} from '#src/handlers/set-weights.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const place = { family: 'general_chat', run: 'run-7' };
const seat = (name: string, uid: number) => ({ hotkey: hotkeyOf(name), uid, registeredAt: 1 });
const INCUMBENT = seat('m1x', 5);
const WINNER = seat('m2x', 6);
const all = (uid: number): Vector => [{ uid, weight: 65_535 }];
const BURN = all(0);
const LAST = all(9);

const HOLD: Outcome = {
  ...place,
  v: 'eirel/outcome/1',
  rules: 'swm/1',
  genesis: sha256('genesis'),
  netuid: 36,
  roster: sha256('roster'),
  open: { known: true, block: 20, blockHash: sha256('block'), digest: sha256('snapshot') },
  kind: 'hold',
  reason: 'certificate-missed',
  winner: INCUMBENT,
  vector: all(5),
  targetBlock: 32,
};
const BLIND: Outcome = { ...HOLD, winner: null, vector: null };
const BURNT: Outcome = { ...HOLD, kind: 'burn', winner: null, vector: BURN };

const certified = (changes: Partial<Outcome>): Certificate => ({
  v: 'eirel/certificate/1',
  outcome: { ...HOLD, ...changes },
  signatures: [],
});
const WON = certified({ kind: 'winner', reason: 'challenger-won', winner: WINNER, vector: all(6) });

const VIEW: WeightView = {
  ...place,
  mode: 'decentralized',
  targetBlock: 32,
  certificate: null,
  owner: { kind: 'unknown' },
  hold: HOLD,
  lastVector: LAST,
};
const PICK = { kind: 'pick', winner: WINNER.hotkey, vector: all(6) } as const;
const NO_SEAT = { kind: 'unregistered', winner: WINNER.hotkey } as const;

type Intent = Partial<ReturnType<typeof decideWeights>>;

test.for<readonly [string, Partial<WeightView>, Intent]>([
  [
    'a certified winner',
    { certificate: WON },
    {
      reason: 'challenger-won',
      winner: WINNER.hotkey,
      vector: all(6),
      outcome: digestOf(WON.outcome),
    },
  ],
  [
    'a certified winner, whatever the owner picks and the hold would be',
    { certificate: WON, owner: { ...PICK, vector: BURN }, hold: BURNT },
    { reason: 'challenger-won', vector: all(6) },
  ],
  [
    'a certified hold',
    { certificate: certified({ reason: 'quorum-missed' }) },
    { reason: 'quorum-missed', winner: INCUMBENT.hotkey, vector: all(5) },
  ],
  [
    'a certified hold that names no vector: the last one again',
    { certificate: certified({ reason: 'chain-empty', winner: null, vector: null }) },
    { reason: 'chain-empty', winner: null, vector: LAST },
  ],
  [
    'a certified hold without a vector, and no last one: nothing',
    { certificate: certified({ reason: 'chain-empty', vector: null }), lastVector: null },
    { reason: 'chain-empty', vector: null },
  ],
  [
    'a certified burn',
    {
      certificate: certified({ kind: 'burn', reason: 'quorum-missed', winner: null, vector: BURN }),
    },
    { reason: 'quorum-missed', winner: null, vector: BURN },
  ],
  [
    'no certificate: the incumbent',
    {},
    { reason: 'certificate-missed', winner: INCUMBENT.hotkey, vector: all(5), outcome: null },
  ],
  [
    'no certificate and no incumbent: burn',
    { hold: BURNT },
    { reason: 'certificate-missed', winner: null, vector: BURN },
  ],
  ['no certificate and no chain: the last one again', { hold: BLIND }, { vector: LAST }],
  ['no certificate, no chain, no last one', { hold: BLIND, lastVector: null }, { vector: null }],
  ['no certificate, whatever the owner picks', { owner: PICK }, { vector: all(5) }],
])('decentralized mode sets %s', ([, changes, expected]) => {
  const intent = decideWeights({ ...VIEW, ...changes });
  expect(intent).toMatchObject({ ...place, mode: 'decentralized', targetBlock: 32, ...expected });
  expect(WeightsIntended.data.parse(intent)).toEqual(intent);
});

const OWNER_CASES: readonly (readonly [string, Partial<WeightView>, Intent])[] = [
  [
    "the owner's pick",
    { owner: PICK },
    { reason: 'owner-pick', winner: WINNER.hotkey, vector: all(6) },
  ],
  [
    "the owner's pick of nobody",
    { owner: { ...PICK, winner: null, vector: BURN } },
    { reason: 'owner-pick', winner: null, vector: BURN },
  ],
  [
    "the owner's pick, whatever is certified",
    { owner: PICK, certificate: certified({ kind: 'winner', vector: BURN }) },
    { reason: 'owner-pick', vector: all(6) },
  ],
  [
    'the incumbent for a pick without a seat',
    { owner: NO_SEAT },
    { reason: 'owner-pick-unregistered', winner: INCUMBENT.hotkey, vector: all(5) },
  ],
  [
    'the incumbent for no pick',
    {},
    { reason: 'owner-unknown', winner: INCUMBENT.hotkey, vector: all(5) },
  ],
  [
    'a burn for no pick and no incumbent',
    { hold: BURNT },
    { reason: 'owner-unknown', vector: BURN },
  ],
  [
    'the last one for no pick and no chain',
    { hold: BLIND },
    { reason: 'owner-unknown', vector: LAST },
  ],
  [
    'nothing for nothing',
    { hold: BLIND, lastVector: null },
    { reason: 'owner-unknown', vector: null },
  ],
];

test.for(
  (['owner', 'shadow'] as const).flatMap((mode) =>
    OWNER_CASES.map(([title, changes, expected]) => ({ mode, title, changes, expected })),
  ),
)('$mode mode sets $title', ({ mode, changes, expected }) => {
  const intent = decideWeights({ ...VIEW, ...changes, mode });
  expect(intent).toMatchObject({ ...place, mode, targetBlock: 32, outcome: null, ...expected });
  expect(WeightsIntended.data.parse(intent)).toEqual(intent);
});

function recorder() {
  const recorded: DomainEvent[] = [];
  return {
    recorded,
    record: (events: readonly DomainEvent[]) => Promise.resolve(void recorded.push(...events)),
  };
}

test('the intent is recorded', async () => {
  const { recorded, record } = recorder();
  await intendWeights(VIEW, { record });
  expect(recorded).toEqual([{ type: 'weights.intended.v1', data: decideWeights(VIEW) }]);
});

const SELF = hotkeyOf('me');

test('what the chain took is recorded with its receipt; what it refused is not', async () => {
  const { recorded, record } = recorder();
  const set: unknown[] = [];
  const submit = (
    receipt: Awaited<ReturnType<Parameters<typeof submitWeights>[1]['setWeights']>>,
  ) =>
    submitWeights(
      { ...place, vector: all(5), self: SELF },
      {
        setWeights: (...args) => {
          set.push(args);
          return Promise.resolve(receipt);
        },
        record,
      },
    );
  expect(await submit({ kind: 'refused', reason: 'rate limit' })).toEqual({
    accepted: false,
    reason: 'rate limit',
  });
  expect(recorded).toEqual([]);
  expect(await submit({ kind: 'accepted', block: 33, receipt: '0xabc' })).toEqual({
    accepted: true,
    reason: null,
  });
  expect(recorded).toEqual([
    { type: 'weights.submitted.v1', data: { ...place, block: 33, receipt: '0xabc' } },
  ]);
  expect(set).toEqual([
    [SELF, all(5)],
    [SELF, all(5)],
  ]);
});

/** What is recorded when the chain holds that. */
async function observed(held: Known<Vector | null>, vector: Vector) {
  const { recorded, record } = recorder();
  await observeWeights(
    { ...place, vector, self: SELF, block: 34 },
    { weightsOf: () => Promise.resolve(held), record },
  );
  return recorded.map((event) => {
    if (event.type !== 'weights.observed.v1') throw new Error(event.type);
    return WeightsObserved.data.parse(event.data);
  });
}

const known = (value: Vector | null): Known<Vector | null> => ({ known: true, value });
const padded: Vector = [{ uid: 0, weight: 0 }, ...all(5), { uid: 7, weight: 0 }];

test.for<readonly [string, Vector | null, Vector, boolean]>([
  ['the intended vector', all(5), all(5), true],
  ['it without its padding', all(5), padded, true],
  ['it with padding', padded, all(5), true],
  ['another uid', all(6), all(5), false],
  [
    'another weight',
    [
      { uid: 1, weight: 65_535 },
      { uid: 5, weight: 1 },
    ],
    [
      { uid: 1, weight: 65_535 },
      { uid: 5, weight: 2 },
    ],
    false,
  ],
  ['more', [...all(5), { uid: 6, weight: 65_535 }], all(5), false],
  ['nothing', null, all(5), false],
])('a chain that holds %s', async ([, held, vector, matches]) => {
  expect(await observed(known(held), vector)).toMatchObject([
    { ...place, block: 34, vector: held, matches },
  ]);
});

test('what the chain holds is unknown until it answers', async () => {
  expect(await observed({ known: false, reason: 'unavailable', detail: '' }, all(5))).toEqual([]);
});
