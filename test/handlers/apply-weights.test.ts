import { describe, expect, test } from 'vitest';
import type { Call, Known, WeightsRow } from '#src/chain/chain.ts';
import { digestOf } from '#src/consensus/outcome.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import type { Snapshot } from '#src/events/snapshot.ts';
import { type Vector, WeightsObserved } from '#src/events/weights.ts';
import { observeWeights, signWeights } from '#src/handlers/apply-weights.ts';
import { hotkey } from '../support/recorded-events.ts';
import { dataOf, snapshot } from '../support/run-events.ts';
import { neuronsFor, simulatedChain } from '../support/simulated-chain.ts';

const place = { family: 'general_chat', run: 'run-7' };
const all = (uid: number): Vector => [{ uid, weight: 65_535 }];
const UNKNOWN = { known: false, reason: 'unavailable', detail: 'no route' } as const;

function recorder() {
  const recorded: DomainEvent[] = [];
  const record = (events: readonly DomainEvent[]) => Promise.resolve(void recorded.push(...events));
  return { recorded, record };
}

describe('a vector is signed', () => {
  const neurons = neuronsFor({ v1: 10n }, ['miner a', 'miner b']);
  const holderOf = (uid: number) => neurons.find((neuron) => neuron.uid === uid)?.hotkey ?? null;
  const extrinsic = dataOf('run-7', 'extrinsic.signed.v1');
  const seated: Snapshot = {
    ...snapshot(4),
    miners: [{ hotkey: hotkey('m'), uid: 9, registeredAt: 1 }],
  };

  async function sign(
    vector: Vector,
    winner: string | null,
    { known = true, before = null as Snapshot | null } = {},
  ) {
    const { recorded, record } = recorder();
    const chain = simulatedChain(neurons);
    chain.state.block = 500;
    const calls: Call[] = [];
    const retry = { block: 500, failures: 0, interval: 180 };
    const note = await signWeights(
      { ...place, attempt: 1, vector, winner, snapshot: before, retry },
      {
        metagraph: known ? chain.viewOf('v1').metagraph : () => Promise.resolve(UNKNOWN),
        sign: (call) => {
          calls.push(call);
          return Promise.resolve({ known: true, value: { kind: 'signed', extrinsic } });
        },
        record,
      },
    );
    return { recorded, calls, note };
  }

  test('when its seat is held by whom it was meant for, with what it carries', async () => {
    const { recorded, calls } = await sign(all(2), holderOf(2));
    expect(calls).toEqual([{ kind: 'weights', vector: all(2) }]);
    expect(recorded).toMatchObject([
      { type: 'extrinsic.signed.v1', data: { purpose: 'weights', carries: digestOf(all(2)) } },
    ]);
  });

  test('when it burns everything, whatever is padded and whatever is known', async () => {
    const burn: Vector = [...all(0), { uid: 2, weight: 0 }];
    expect((await sign(burn, null)).calls).toHaveLength(1);
    expect((await sign(burn, null, { known: false })).calls).toHaveLength(1);
  });

  test.for([holderOf(3), null])('but not to pay uid 2 when %s was meant', async (winner) => {
    const { recorded, calls } = await sign(all(2), winner);
    expect(calls).toEqual([]);
    expect(recorded).toMatchObject([
      { type: 'extrinsic.settled.v1', data: { outcome: 'refused', error: 'SeatChanged' } },
    ]);
  });

  test('not while nobody says who sits there, and by an older snapshot where one says so', async () => {
    expect(await sign(all(9), hotkey('m'))).toEqual({
      recorded: [],
      calls: [],
      note: 'nobody says who sits at uid 9',
    });
    const older = { known: false, before: seated };
    expect((await sign(all(9), hotkey('m'), older)).calls).toHaveLength(1);
    expect((await sign(all(9), hotkey('x'), older)).recorded).toMatchObject([
      { data: { error: 'SeatChanged' } },
    ]);
    // What the chain says now stands over what it said before.
    const stale = { ...seated, miners: [{ hotkey: hotkey('m'), uid: 2, registeredAt: 1 }] };
    expect((await sign(all(2), holderOf(2), { before: stale })).calls).toHaveLength(1);
  });
});

/** What is recorded when the chain holds that. */
async function observed(held: Known<WeightsRow>, vector: Vector) {
  const { recorded, record } = recorder();
  await observeWeights(
    { ...place, attempt: 2, vector, self: hotkey('a') },
    { weightsOf: () => Promise.resolve(held), record },
  );
  return recorded.map((event) => {
    if (event.type !== 'weights.observed.v1') throw new Error(event.type);
    return WeightsObserved.data.parse(event.data);
  });
}

const row = (vector: Vector | null): Known<WeightsRow> => ({
  known: true,
  value: { block: 34, vector, lastUpdate: 30, activityCutoff: 5_000, weightsRateLimit: 100 },
});
const padded: Vector = [{ uid: 0, weight: 0 }, ...all(5), { uid: 7, weight: 0 }];
const two = (weight: number): Vector => [
  { uid: 1, weight: 65_535 },
  { uid: 5, weight },
];

test.for<readonly [string, Vector | null, Vector, boolean]>([
  ['the intended vector', all(5), all(5), true],
  ['it without its padding', all(5), padded, true],
  ['it with padding', padded, all(5), true],
  ['another uid', all(6), all(5), false],
  ['another weight', two(1), two(2), false],
  ['more', [...all(5), { uid: 6, weight: 65_535 }], all(5), false],
  ['nothing', null, all(5), false],
])('a chain that holds %s', async ([, held, vector, matches]) => {
  expect(await observed(row(held), vector)).toMatchObject([
    { ...place, attempt: 2, block: 34, vector: held, matches, lastUpdate: 30 },
  ]);
});

test('what the chain holds is unknown until it answers', async () => {
  expect(await observed(UNKNOWN, all(5))).toEqual([]);
});
