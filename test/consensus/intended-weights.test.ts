import { expect, test } from 'vitest';
import { decideWeights, type WeightView } from '#src/consensus/intended-weights.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import type { Certificate, Outcome } from '#src/events/decision.ts';
import { sha256 } from '#src/events/hash.ts';
import { type Vector, WeightsIntended } from '#src/events/weights.ts';
import { hotkeyOf } from './fake-keys.ts';

const place = { family: 'general_chat', run: 'run-7' };
const seat = (name: string, uid: number) => ({ hotkey: hotkeyOf(name), uid, registeredAt: 1 });
const INCUMBENT = seat('m1x', 5);
const WINNER = seat('m2x', 6);
const all = (uid: number): Vector => [{ uid, weight: 65_535 }];
const BURN = all(0);
const LAST = { winner: seat('m9x', 9).hotkey, vector: all(9) };

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
  last: LAST,
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
    { reason: 'chain-empty', ...LAST },
  ],
  [
    'a certified hold without a vector, and no last one: nothing',
    { certificate: certified({ reason: 'chain-empty', vector: null }), last: null },
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
  ['no certificate and no chain: the last one again', { hold: BLIND }, LAST],
  ['no certificate, no chain, no last one', { hold: BLIND, last: null }, { vector: null }],
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
  ['the last one for no pick and no chain', { hold: BLIND }, { reason: 'owner-unknown', ...LAST }],
  ['nothing for nothing', { hold: BLIND, last: null }, { reason: 'owner-unknown', vector: null }],
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
