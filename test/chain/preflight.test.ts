import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call } from '#src/chain/chain.ts';
import { preflight, preflightRound } from '#src/chain/preflight.ts';
import type { SubmissionFacts } from '#src/chain/submission-facts.ts';
import { commitEpoch } from '#src/devchain/epoch-schedule.ts';
import { dispatch, validate } from '#src/devchain/runtime.ts';
import type { DevCall, DevState } from '#src/devchain/state.ts';
import { totalStake } from '#src/devchain/subnet.ts';
import { storeWeights } from '#src/devchain/weights.ts';
import { at, devSubnet, hotkey, TAO, UID } from '../support/dev-subnet.ts';

const NETUID = 36;
const own = { netuid: NETUID, hotkey: hotkey('a'), versionKey: 7n };
const vector = [{ uid: UID.x, weight: 65_535 }];
const weights: Call = { kind: 'weights', vector };
const commitment: Call = { kind: 'commitment', fields: ['eirel/scores/v1:run-1:00'] };

const open: SubmissionFacts = {
  block: 1_000,
  blockHash: 'ab'.repeat(32),
  timestampMs: 1_764_000_000_000,
  specVersion: 343,
  uidCount: 8,
  neuron: {
    uid: UID.a,
    permit: true,
    stake: 2_000n * TAO,
    lastUpdate: 900,
    registeredAt: 0,
    owner: false,
  },
  stakeThreshold: 1_000n * TAO,
  minAllowedWeights: 1,
  weightsVersion: 0n,
  weightsRateLimit: 100,
  commitReveal: { enabled: false, version: 4, period: 1, unrevealed: 0 },
  tempo: 99,
  epoch: null,
  drand: { lastStoredRound: 500, publicKey: 'ab'.repeat(96), genesisTime: 0, period: 3 },
  space: { max: 3_100, used: 3_000, usedInEpoch: 10 },
};
const commitReveal = { ...open.commitReveal, enabled: true };

type Neuron = NonNullable<SubmissionFacts['neuron']>;
const neuron = (change: Partial<Neuron>): Partial<SubmissionFacts> => ({
  neuron: { ...open.neuron, ...change } as Neuron, // safe: the neuron above is whole
});

describe('a call that the chain would take', () => {
  test.each<[string, Call, Partial<SubmissionFacts>]>([
    ['weights', weights, {}],
    ['a commit of weights', weights, { commitReveal }],
    ['the first weights of a hotkey', weights, neuron({ lastUpdate: 0 })],
    [
      'a commitment that leaves what it has to',
      { ...commitment, spareBytes: 500 },
      { space: { max: 3_100, used: 2_500, usedInEpoch: 10 } },
    ],
    ['weights in the very block of the limit', weights, neuron({ lastUpdate: 901 })],
    ['weights of the owner', weights, neuron({ owner: true, permit: false, stake: 0n })],
    ['a version key that is high enough', weights, { weightsVersion: 7n }],
    [
      'as many entries as there are uids',
      { kind: 'weights', vector: [0, 1].map((uid) => ({ uid, weight: 65_535 })) },
      { minAllowedWeights: 1_024, uidCount: 2 },
    ],
    ['a commitment', commitment, {}],
    [
      'a commitment that fills the space',
      commitment,
      { space: { max: 3_100, used: 3_000, usedInEpoch: 10 } },
    ],
    [
      'a commitment in the next epoch',
      commitment,
      { space: { max: 3_100, used: 3_100, usedInEpoch: 9 } },
    ],
    ['an axon', { kind: 'axon', url: 'http://192.0.2.7:8091' }, {}],
  ])('passes: %s', (_title, call, change) => {
    expect(preflight(call, { ...open, ...change }, own)).toBeNull();
  });
});

describe('a call that the chain would refuse', () => {
  const twice = [...vector, ...vector];
  test.each<[string, string, Call, Partial<SubmissionFacts>, number | null]>([
    [
      'UidsLengthExceedUidsInSubNet',
      'bug',
      { kind: 'weights', vector: [{ uid: 0, weight: 1 }, ...twice] },
      { uidCount: 2, neuron: null },
      null,
    ],
    ['HotKeyNotRegisteredInSubNet', 'operator', weights, { neuron: null }, null],
    [
      'NotEnoughStakeToSetWeights',
      'operator',
      weights,
      neuron({ stake: 999n * TAO, lastUpdate: 999 }),
      null,
    ],
    [
      'IncorrectWeightVersionKey',
      'operator',
      weights,
      { weightsVersion: 8n, ...neuron({ lastUpdate: 999 }) },
      null,
    ],
    ['SettingWeightsTooFast', 'wait', weights, neuron({ lastUpdate: 902, permit: false }), 1_002],
    [
      'CommittingWeightsTooFast',
      'wait',
      weights,
      { commitReveal, weightsVersion: 8n, ...neuron({ lastUpdate: 999 }) },
      1_099,
    ],
    [
      'TooManyUnrevealedCommits',
      'wait',
      weights,
      { commitReveal: { ...commitReveal, unrevealed: 10 }, weightsVersion: 8n },
      1_063,
    ],
    ['IncorrectWeightVersionKey', 'operator', weights, { commitReveal, weightsVersion: 8n }, null],
    [
      'NeuronNoValidatorPermit',
      'operator',
      { kind: 'weights', vector: twice },
      neuron({ permit: false }),
      null,
    ],
    [
      'DuplicateUids',
      'bug',
      { kind: 'weights', vector: [{ uid: 8, weight: 1 }, ...twice] },
      {},
      null,
    ],
    [
      'UidVecContainInvalidOne',
      'bug',
      { kind: 'weights', vector: [{ uid: 8, weight: 1 }] },
      { minAllowedWeights: 2 },
      null,
    ],
    ['WeightVecLengthIsLow', 'bug', weights, { minAllowedWeights: 2 }, null],
    [
      'AccountNotAllowedCommit',
      'operator',
      { kind: 'commitment', fields: ['', '', '', ''] },
      { neuron: null },
      null,
    ],
    [
      'TooManyFieldsInCommitmentInfo',
      'bug',
      { kind: 'commitment', fields: ['', '', '', 'é'] },
      {},
      null,
    ],
    [
      'InvalidCommitmentField',
      'bug',
      { kind: 'commitment', fields: ['', 'é'] },
      { space: { max: 1, used: 0, usedInEpoch: 0 } },
      null,
    ],
    ['InvalidCommitmentField', 'bug', { kind: 'commitment', fields: ['a'.repeat(129)] }, {}, null],
    [
      'SpaceLimitExceeded',
      'wait',
      commitment,
      { space: { max: 3_100, used: 3_001, usedInEpoch: 10 } },
      1_063,
    ],
    ['SpaceLimitExceeded', 'wait', { kind: 'commitment', fields: ['a'.repeat(101)] }, {}, 1_063],
    [
      'SpaceLimitExceeded',
      'wait',
      commitment,
      { space: { max: 99, used: 0, usedInEpoch: 10 } },
      null,
    ],
    [
      'SpaceLimitExceeded',
      'wait',
      commitment,
      {
        space: { max: 3_100, used: 3_001, usedInEpoch: 12 },
        epoch: { index: 12, lastBlock: 950, pendingAt: 0, blocksSinceLastStep: 50 },
      },
      1_049,
    ],
    [
      'SpaceLimitExceeded',
      'wait',
      { ...commitment, spareBytes: 1 },
      { space: { max: 3_100, used: 3_000, usedInEpoch: 10 } },
      1_063,
    ],
    [
      'SpaceLimitExceeded',
      'wait',
      { ...commitment, spareBytes: 3_001 },
      { space: { max: 3_100, used: 0, usedInEpoch: 10 } },
      null,
    ],
    ['HotKeyNotRegisteredInNetwork', 'operator', { kind: 'axon', url: '' }, { neuron: null }, null],
    ['InvalidIpAddress', 'operator', { kind: 'axon', url: 'http://example.org:80' }, {}, null],
  ])('%s is foreseen, as the work of %s', (name, errorClass, call, change, retryAt) => {
    expect(preflight(call, { ...open, ...change }, own)).toMatchObject({
      name,
      class: errorClass,
      retryAt,
    });
  });

  test('a subnet that is the root network takes no weights', () => {
    const error = preflight(weights, { ...open, neuron: null }, { ...own, netuid: 0 });
    expect(error?.name).toBe('CanNotSetRootNetworkWeights');
  });

  test('the detail names what was found and what was expected', () => {
    const error = preflight(weights, { ...open, weightsVersion: 8n }, own);
    expect(error?.detail).toBe('our version key is 7, the chain asks for at least 8');
  });

  test('a commit to a round that is public already is stale', () => {
    expect(preflightRound(501, open)).toBeNull();
    expect(preflightRound(500, open)).toMatchObject({ name: 'InvalidRevealRound', class: 'stale' });
  });
});

describe('the block at which a call can pass', () => {
  const waits = fc.record({
    call: fc.constantFrom(weights, commitment),
    tempo: fc.integer({ min: 1, max: 400 }),
    block: fc.integer({ min: 1_000, max: 2_000 }),
    lastUpdate: fc.integer({ min: 900, max: 1_000 }),
    weightsRateLimit: fc.integer({ min: 0, max: 500 }),
    since: fc.option(fc.integer({ min: 0, max: 300 })),
  });

  test('is the first one that takes it', () => {
    fc.assert(
      fc.property(waits, ({ call, tempo, block, lastUpdate, weightsRateLimit, since }) => {
        const epoch =
          since === null
            ? null
            : { index: 12, lastBlock: block - since, pendingAt: 0, blocksSinceLastStep: since };
        const usedInEpoch = epoch?.index ?? Math.floor((block + 1 + NETUID + 1) / (tempo + 1));
        const facts: SubmissionFacts = {
          ...open,
          ...neuron({ lastUpdate }),
          block,
          tempo,
          weightsRateLimit,
          epoch,
          space: { max: 3_100, used: 3_050, usedInEpoch },
        };
        const retryAt = preflight(call, facts, own)?.retryAt ?? null;
        fc.pre(retryAt !== null && retryAt > block + 1);
        const before = (next: number) => preflight(call, { ...facts, block: next - 1 }, own);
        expect(before(retryAt ?? 0)).toBeNull();
        expect(before((retryAt ?? 0) - 1)).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });
});

/** What the adapter reads of a state, for one hotkey. */
function factsOf(state: DevState, signer: string): SubmissionFacts {
  const { params } = state;
  const uid = state.neurons.findIndex((row) => row.hotkey === signer);
  const row = state.neurons[uid];
  const space = state.usedSpace.get(signer);
  return {
    ...open,
    block: state.block,
    uidCount: state.neurons.length,
    neuron:
      row === undefined
        ? null
        : { ...row, uid, stake: totalStake(row, params), owner: signer === params.ownerHotkey },
    stakeThreshold: params.stakeThreshold,
    minAllowedWeights: params.minAllowedWeights,
    weightsVersion: params.weightsVersionKey,
    weightsRateLimit: params.weightsSetRateLimit,
    commitReveal: {
      enabled: params.commitRevealEnabled,
      version: params.commitRevealVersion,
      period: params.revealPeriodEpochs,
      unrevealed: state.timelocked.filter(
        ({ hotkey: of, epoch }) =>
          of === signer && epoch === commitEpoch({ ...state, block: state.block + 1 }),
      ).length,
    },
    tempo: params.tempo,
    space: { max: params.maxSpace, used: space?.used ?? 0, usedInEpoch: space?.lastEpoch ?? 0 },
  };
}

const anyState = fc
  .record({
    block: fc.integer({ min: 1, max: 60 }),
    commitRevealEnabled: fc.boolean(),
    minAllowedWeights: fc.integer({ min: 0, max: 5 }),
    weightsSetRateLimit: fc.integer({ min: 0, max: 8 }),
    weightsVersionKey: fc.constantFrom(0n, 6n, 7n, 8n),
    stakeThreshold: fc.constantFrom(0n, 20_000n * TAO, 30_000n * TAO),
    lastUpdate: fc.integer({ min: 0, max: 60 }),
    permits: fc.boolean(),
    unrevealed: fc.integer({ min: 8, max: 11 }),
    used: fc.integer({ min: 2_800, max: 3_100 }),
  })
  .map(({ block, lastUpdate, permits, unrevealed, used, ...params }) => {
    const state = at(devSubnet(params), block);
    const committed = commitEpoch({ ...state, block: block + 1 });
    return {
      ...state,
      neurons: state.neurons.map((row) => ({
        ...row,
        lastUpdate: Math.min(lastUpdate, block),
        permit: permits && row.permit,
      })),
      timelocked: Array.from({ length: unrevealed }, () => ({
        hotkey: hotkey('a'),
        epoch: committed,
        block,
        commit: '00',
        round: 1,
      })),
      usedSpace: new Map([[hotkey('a'), { lastEpoch: Math.floor((block + 37) / 10), used }]]),
    };
  });
const anySigner = fc.constantFrom('owner', 'a', 'b', 'd', 'x', 'stranger').map(hotkey);

describe('the preflight and the rules of the chain', () => {
  test('agree on every call of weights: the error that is foreseen is the one that comes', () => {
    const anyUids = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 10 });
    fc.assert(
      fc.property(anyState, anySigner, anyUids, (state, signer, uids) => {
        const call: Call = {
          kind: 'weights',
          vector: uids.map((uid) => ({ uid, weight: 65_535 })),
        };
        const foreseen = preflight(call, factsOf(state, signer), { ...own, hotkey: signer });
        expect(foreseen?.name ?? null).toBe(errorOfWeights(state, signer, uids));
      }),
      { numRuns: 600 },
    );
  });

  test('agree on every commitment', () => {
    const anyFields = fc.array(
      fc.integer({ min: 0, max: 128 }).map((length) => 'a'.repeat(length)),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(anyState, anySigner, anyFields, (state, signer, fields) => {
        const foreseen = preflight({ kind: 'commitment', fields }, factsOf(state, signer), {
          ...own,
          hotkey: signer,
        });
        const data = fields.map((text) => ({
          kind: 'Raw' as const,
          bytes: Buffer.from(text).toString('hex'),
        }));
        const call = { call: 'Commitments.set_commitment', netuid: NETUID, fields: data } as const;
        const outcome = dispatch({ ...state, block: state.block + 1 }, call, signer);
        expect(foreseen?.name ?? null).toBe(outcome.kind === 'error' ? outcome.error.name : null);
      }),
      { numRuns: 300 },
    );
  });
});

/** What the pool, then the dispatch, then for a commit the reveal would say in the next block. */
function errorOfWeights(state: DevState, signer: string, uids: readonly number[]): string | null {
  const next = { ...state, block: state.block + 1 };
  const set = { netuid: NETUID, mecid: 0, versionKey: own.versionKey };
  const values = uids.map(() => 65_535);
  const plain: DevCall = {
    call: 'SubtensorModule.set_mechanism_weights',
    ...set,
    dests: uids,
    weights: values,
  };
  const commit: DevCall = {
    call: 'SubtensorModule.commit_timelocked_mechanism_weights',
    netuid: NETUID,
    mecid: 0,
    commit: '00',
    revealRound: state.drand.lastStoredRound + 1,
    commitRevealVersion: state.params.commitRevealVersion,
  };
  const call = state.params.commitRevealEnabled ? commit : plain;
  const outcome = dispatch(next, call, signer);
  const revealed = storeWeights(next, { ...set, uids, values }, signer);
  const length = uids.length > state.neurons.length ? 'UidsLengthExceedUidsInSubNet' : null;
  if (length !== null) return length;
  const invalid = validate(state, call, signer)?.custom;
  if (invalid === 10) return 'HotKeyNotRegisteredInSubNet';
  if (invalid === 1) return 'NotEnoughStakeToSetWeights';
  if (outcome.kind === 'error') return outcome.error.name;
  return revealed.kind === 'error' ? revealed.error.name : null;
}
