import { expect, test } from 'vitest';
import type { Known, Metagraph, Neuron } from '#src/chain/chain.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import type { UnknownReason } from '#src/events/snapshot.ts';
import { decideSnapshot, type SnapshotRequest, takeSnapshot } from '#src/handlers/take-snapshot.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';
import { HYPERPARAMETERS } from '../support/simulated-chain.ts';

const place = { family: 'general_chat', run: 'run-7' };
const MINERS = ['m1x', 'm2x'].map(hotkeyOf);

const REQUEST: SnapshotRequest = {
  ...place,
  phase: 'open',
  block: 100,
  miners: MINERS,
  lastRowCount: null,
  minStake: 1_000n,
};

function neuron(uid: number, name: string, changes: Partial<Neuron> = {}): Neuron {
  return {
    uid,
    hotkey: hotkeyOf(name),
    coldkey: hotkeyOf(`${name}funds`),
    stake: 0n,
    permit: false,
    active: true,
    registeredAt: 7,
    lastUpdate: 0,
    incentive: 0,
    axon: null,
    ...changes,
  };
}

const voter = (uid: number, name: string, changes: Partial<Neuron> = {}): Neuron =>
  neuron(uid, name, { stake: 5_000n, permit: true, axon: `http://${name}.test`, ...changes });

/** Uid 0 burns; two voters, two miners. */
const SUBNET = [
  neuron(0, 'burn'),
  voter(1, 'v2x'),
  voter(2, 'v1x'),
  neuron(3, 'm2x'),
  neuron(4, 'm1x'),
];

function answerOf(neurons: readonly Neuron[], stakeThreshold = 0n): Known<Metagraph> {
  return {
    known: true,
    value: {
      block: 100,
      blockHash: sha256('block 100'),
      neurons,
      ownerHotkey: null,
      hyperparameters: { ...HYPERPARAMETERS, stakeThreshold },
    },
  };
}

function snapshotOf(
  neurons: readonly Neuron[],
  { stakeThreshold, ...changes }: Partial<SnapshotRequest & { stakeThreshold: bigint }> = {},
) {
  const event = decideSnapshot({ ...REQUEST, ...changes }, answerOf(neurons, stakeThreshold));
  if (event.type !== 'snapshot.taken.v1') throw new Error(JSON.stringify(event));
  return event.data.snapshot;
}

function missedOf(answer: Known<Metagraph>, changes: Partial<SnapshotRequest> = {}) {
  const event = decideSnapshot({ ...REQUEST, ...changes }, answer);
  if (event.type !== 'snapshot.missed.v1') throw new Error(JSON.stringify(event));
  return event.data;
}

test('voters, the seats of the roster and the block are recorded, sorted by hotkey', () => {
  const event = decideSnapshot(REQUEST, answerOf(SUBNET));
  const voters = [
    {
      hotkey: hotkeyOf('v1x'),
      coldkey: hotkeyOf('v1xfunds'),
      uid: 2,
      stake: '5000',
      axon: 'http://v1x.test',
    },
    {
      hotkey: hotkeyOf('v2x'),
      coldkey: hotkeyOf('v2xfunds'),
      uid: 1,
      stake: '5000',
      axon: 'http://v2x.test',
    },
  ];
  expect(event).toEqual({
    type: 'snapshot.taken.v1',
    data: {
      ...place,
      phase: 'open',
      snapshot: {
        block: 100,
        blockHash: sha256('block 100'),
        rowCount: 5,
        voters,
        miners: [
          { hotkey: hotkeyOf('m1x'), uid: 4, registeredAt: 7 },
          { hotkey: hotkeyOf('m2x'), uid: 3, registeredAt: 7 },
        ],
        incumbent: null,
      },
    },
  });
});

test('the order of the answer changes nothing', () => {
  expect(snapshotOf(SUBNET.toReversed())).toEqual(snapshotOf(SUBNET));
});

test.for<readonly [string, Partial<Neuron>]>([
  ['without a permit', { permit: false }],
  ['that is not active', { active: false }],
  ['below the threshold', { stake: 999n }],
])('a neuron %s does not vote', ([, changes]) => {
  const { voters } = snapshotOf([...SUBNET, voter(5, 'v3x', changes)]);
  expect(voters.map(({ uid }) => uid)).toEqual([2, 1]);
});

test('the threshold is inclusive, and without one a voter still needs stake', () => {
  const at = (stake: bigint, minStake: bigint) =>
    snapshotOf([...SUBNET, voter(5, 'v3x', { stake })], { minStake }).voters.length;
  expect([at(1_000n, 1_000n), at(1n, 0n), at(0n, 0n)]).toEqual([3, 3, 2]);
});

test('the greater of our threshold and that of the chain counts', () => {
  const at = (stakeThreshold: bigint, minStake: bigint) =>
    snapshotOf([...SUBNET, voter(5, 'v3x', { stake: 1_000n })], { minStake, stakeThreshold }).voters
      .length;
  expect([at(1_000n, 0n), at(1_001n, 0n), at(0n, 1_001n), at(1_001n, 1_000n)]).toEqual([
    3, 2, 2, 2,
  ]);
});

test('stake beyond what a double holds is kept to the last rao', () => {
  const stake = 2n ** 80n + 1n;
  expect(snapshotOf([...SUBNET, voter(5, 'v3x', { stake })]).voters.at(-1)?.stake).toBe(
    '1208925819614629174706177',
  );
});

test.for([
  ['http://203.0.113.7:8787', true],
  ['http://[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535', true],
  [`http://${'x'.repeat(57)}`, false],
  ['ftp://203.0.113.7', false],
  ['http://a b', false],
  ['http://\u0000', false],
  ['http://\ud800', false],
  ['http://ä', false],
] as const)('the axon %j can be asked: %s; its owner votes either way', ([axon, kept]) => {
  const { voters } = snapshotOf([...SUBNET, voter(5, 'v3x', { axon })]);
  expect(voters.map((voter) => voter.axon).filter((known) => known === axon)).toHaveLength(
    kept ? 1 : 0,
  );
  expect(voters).toHaveLength(3);
});

type Missed = readonly [
  string,
  Known<Metagraph>,
  Partial<SnapshotRequest>,
  UnknownReason,
  number | null,
];
const rows = (count: number): readonly Neuron[] => [
  voter(0, 'v1x'),
  ...Array.from({ length: count - 1 }, (_, index) => neuron(index + 1, `n${index}x`)),
];

test.for<Missed>([
  [
    'no answer',
    { known: false, reason: 'unavailable', detail: 'refused' },
    {},
    'unavailable',
    null,
  ],
  [
    'a block that is not final',
    { known: false, reason: 'not-final', detail: '' },
    {},
    'not-final',
    null,
  ],
  ['no neuron', answerOf([]), {}, 'empty', null],
  ['no voter', answerOf(SUBNET.filter(({ permit }) => !permit)), {}, 'empty', null],
  ['no neuron where there were some', answerOf([]), { lastRowCount: 256 }, 'empty', null],
  [
    'fewer than nine tenths of the rows',
    answerOf(rows(230)),
    { lastRowCount: 256 },
    'shrunken',
    230,
  ],
  ['8 rows of 9', answerOf(rows(8)), { lastRowCount: 9 }, 'shrunken', 8],
  [
    'more voters than a subnet has',
    answerOf(Array.from({ length: 129 }, (_, index) => voter(index, `v${index}x`))),
    {},
    'malformed',
    null,
  ],
])('%s is missed, not taken', ([, answer, changes, reason, rowCount]) => {
  expect(missedOf(answer, changes)).toMatchObject({
    ...place,
    phase: 'open',
    block: 100,
    reason,
    rowCount,
  });
});

test.for([
  { last: 10, count: 9 },
  { last: 256, count: 231 },
  { last: 256, count: 256 },
  { last: 230, count: 230 },
  { last: 200, count: 256 },
])('$count rows after $last are believed', ({ last, count }) => {
  expect(snapshotOf(rows(count), { lastRowCount: last }).rowCount).toBe(count);
});

test.for<readonly [string, readonly Neuron[]]>([
  ['a hotkey twice', [...SUBNET, voter(5, 'v1x')]],
  ['a uid twice', [...SUBNET, neuron(4, 'm3x')]],
  ['a hotkey that is none', [...SUBNET, voter(5, 'v3x', { hotkey: 'nobody' })]],
])('an answer with %s is malformed: no rule could count it', ([, neurons]) => {
  expect(missedOf(answerOf(neurons)).reason).toBe('malformed');
});

type Incentives = readonly (readonly [uid: number, incentive: number])[];

test.for<readonly [string, Incentives, number | null]>([
  ['nobody is paid', [], null],
  ['one is paid all', [[4, 65_535]], 4],
  [
    'half burns and one is paid the rest',
    [
      [0, 32_768],
      [4, 32_767],
    ],
    4,
  ],
  [
    'nearly all burns',
    [
      [0, 65_000],
      [4, 535],
    ],
    4,
  ],
  ['all burns', [[0, 65_535]], null],
  [
    'two are paid, one more than half',
    [
      [3, 30_000],
      [4, 30_001],
    ],
    4,
  ],
  [
    'two are paid alike',
    [
      [3, 30_000],
      [4, 30_000],
    ],
    null,
  ],
  [
    'nobody is paid more than half',
    [
      [1, 20_000],
      [3, 20_000],
      [4, 25_000],
    ],
    null,
  ],
  ['a validator is paid', [[1, 65_535]], 1],
])('where %s the incumbent is as expected', ([, incentives, expected]) => {
  const paid = new Map(incentives);
  const neurons = SUBNET.map((each) => ({ ...each, incentive: paid.get(each.uid) ?? 0 }));
  const { incumbent } = snapshotOf(neurons);
  expect(incumbent?.uid ?? null).toBe(expected);
  if (expected === 4)
    expect(incumbent).toEqual({ hotkey: hotkeyOf('m1x'), uid: 4, registeredAt: 7 });
});

test('what is told of a fault fits an event', () => {
  const detail = `${'x'.repeat(399)}\u{1f600}`;
  const missed = missedOf({ known: false, reason: 'malformed', detail });
  expect(missed.detail.length).toBeLessThanOrEqual(400);
  expect(missed.detail.isWellFormed()).toBe(true);
});

test('the block of the phase is asked for; the same fault is recorded once, another one too', async () => {
  const asked: number[] = [];
  const recorded: DomainEvent[] = [];
  const take = (answer: Known<Metagraph>) =>
    takeSnapshot(REQUEST, {
      metagraph: (block) => {
        asked.push(block);
        return Promise.resolve(answer);
      },
      missed: recorded.flatMap((event) =>
        event.type === 'snapshot.missed.v1' ? [event.data] : [],
      ),
      record: (events) => {
        recorded.push(...events);
        return Promise.resolve();
      },
    });
  await take(answerOf([]));
  await take(answerOf([]));
  await take({ known: false, reason: 'unavailable', detail: '' });
  await take(answerOf([]));
  await take(answerOf(SUBNET));
  expect(asked).toEqual([100, 100, 100, 100, 100]);
  expect(recorded.map(({ type }) => type)).toEqual([
    'snapshot.missed.v1',
    'snapshot.missed.v1',
    'snapshot.taken.v1',
  ]);
});
