import { describe, expect, test } from 'vitest';
import type { Extrinsic } from '#src/chain/chain.ts';
import type { Subtensor } from '#src/chain/subtensor.ts';
import type { DevNeuron, DevParams } from '#src/devchain/state.ts';
import type { Purpose } from '#src/events/extrinsic.ts';
import { devSigner } from '../support/dev-keys.ts';
import { expectTruth, storyOf } from '../support/extrinsic-truth.ts';
import { answered, openChain } from '../support/live-subtensor.ts';
import {
  FINALITY_LAG,
  type LiveOptions,
  type LiveValidator,
  liveValidator,
  openRun,
  SELF,
  SELF_UID,
} from '../support/live-validator.ts';
import { recordedOf } from '../support/simulated-run.ts';

/** Longer than any extrinsic lives, so that nothing falls due again meanwhile; shorter than the phase of commitments. */
const INTERVAL = 80;

type Act = (live: LiveValidator) => void | Promise<void>;

/**
 * Something that befalls the chain or the validator: so long before an extrinsic is signed that it is final
 * then, or just before the block at which the extrinsic is signed and sent, or included, or just after
 * that. It is mended three blocks after the signature.
 */
type Fault = Readonly<{
  title: string;
  at: 'before' | 'signing' | 'sent' | 'included';
  befall: Act;
  mend?: Act;
  /** What the log tells of the attempts. */
  story: readonly string[];
}>;

const ONCE = ['1 signed', '1 included', '1 succeeded'];
const UNSEEN = ['1 signed', '1 succeeded'];
const SEEN_TWICE = ['1 signed', '1 included', '1 included', '1 succeeded'];
const AGAIN = ['2 signed', '2 included', '2 succeeded'];

const FAULTS: readonly Fault[] = [
  {
    title: 'a connection that drops while the rules are read',
    at: 'signing',
    befall: ({ devchain }) => devchain.faults.dropOnCall('state_queryStorageAt', 'before-answer'),
    story: ONCE,
  },
  {
    title: 'a connection that drops before the signature',
    at: 'signing',
    befall: ({ devchain }) =>
      devchain.faults.dropOnCall('system_accountNextIndex', 'before-answer'),
    story: ONCE,
  },
  {
    title: 'a connection that drops before the extrinsic is sent',
    at: 'signing',
    befall: ({ devchain }) => devchain.faults.dropOnCall('author_submitExtrinsic', 'before-call'),
    story: ONCE,
  },
  {
    title: 'a connection that drops before the answer to the submission',
    at: 'signing',
    befall: ({ devchain }) => devchain.faults.dropOnCall('author_submitExtrinsic', 'before-answer'),
    story: ONCE,
  },
  {
    title: 'a connection that drops after the answer to the submission',
    at: 'signing',
    befall: ({ devchain }) => devchain.faults.dropOnCall('author_submitExtrinsic', 'after-answer'),
    story: ONCE,
  },
  {
    title: 'a connection that drops before the inclusion',
    at: 'sent',
    befall: ({ devchain }) => devchain.faults.dropConnections(),
    story: ONCE,
  },
  {
    title: 'a connection that drops while the blocks are asked',
    at: 'sent',
    befall: ({ devchain }) => devchain.faults.dropOnCall('chain_getBlock', 'before-answer'),
    story: ONCE,
  },
  {
    title: 'a connection that drops after the inclusion',
    at: 'included',
    befall: ({ devchain }) => devchain.faults.dropConnections(),
    story: ONCE,
  },
  {
    title: 'a connection that drops before finality',
    at: 'included',
    befall: async (live) => {
      await live.play();
      live.devchain.faults.dropOnCall('chain_getFinalizedHead', 'before-answer');
    },
    story: ONCE,
  },
  {
    title: 'a node that restarts and forgets its pool',
    at: 'sent',
    befall: ({ devchain }) => devchain.faults.restart(),
    story: ONCE,
  },
  {
    title: 'a node that restarts after the inclusion',
    at: 'included',
    befall: ({ devchain }) => devchain.faults.restart(),
    story: ONCE,
  },
  {
    title: 'a validator that restarts with the extrinsic in the pool',
    at: 'sent',
    befall: (live) => live.restart(),
    story: ONCE,
  },
  {
    title: 'a validator that restarts after the inclusion',
    at: 'included',
    befall: (live) => live.restart(),
    story: ONCE,
  },
  {
    title: 'a reorganisation that moves the extrinsic',
    at: 'included',
    befall: async (live) => {
      live.devchain.faults.reorg(1);
      await live.round();
    },
    story: SEEN_TWICE,
  },
  {
    title: 'a reorganisation that loses the extrinsic',
    at: 'included',
    befall: ({ devchain }) => devchain.faults.reorg(1, 'drop'),
    story: SEEN_TWICE,
  },
  {
    title: 'finality that stalls before the inclusion is seen',
    at: 'sent',
    befall: stallFor(10),
    story: UNSEEN,
  },
  {
    title: 'finality that stalls after the inclusion, until the extrinsic would be dead',
    at: 'included',
    befall: stallFor(70),
    story: ONCE,
  },
  {
    title: 'finality that stalls over a lost extrinsic until that is dead',
    at: 'sent',
    befall: async (live) => {
      live.devchain.faults.restart();
      await stallFor(70)(live);
    },
    story: ['1 signed', '1 expired: Expired', ...AGAIN],
  },
  {
    title: 'a pool that refuses for a rate limit',
    at: 'signing',
    befall: ({ devchain }) => devchain.faults.rejectNextSubmission('Custom error: 6'),
    story: ['1 signed', '1 rejected: SettingWeightsTooFast', ...AGAIN],
  },
  {
    title: 'a pool that is full for a while',
    at: 'signing',
    befall: ({ devchain }) =>
      devchain.faults.failCalls('author_submitExtrinsic', 1_016, 'Immediately Dropped'),
    mend: ({ devchain }) => devchain.faults.failCalls('author_submitExtrinsic', 0),
    story: ONCE,
  },
  {
    title: 'a pool that throws the extrinsic out',
    at: 'sent',
    befall: async (live) => {
      const [{ hash } = { hash: '' }] = (
        await recordedOf(live.node, 'extrinsic.signed.v1', 1)
      ).slice(-1);
      live.devchain.faults.evictExtrinsic(hash);
    },
    story: ONCE,
  },
  {
    title: 'a node that refuses what it has taken before',
    at: 'sent',
    befall: ({ devchain }) => {
      devchain.faults.holdExtrinsics(2);
      devchain.faults.rejectNextSubmission('Transaction has a bad signature');
    },
    story: ONCE,
  },
  {
    title: 'a runtime upgrade between signature and inclusion',
    at: 'sent',
    befall: ({ devchain }) => {
      devchain.faults.holdExtrinsics(1);
      devchain.faults.upgradeRuntime();
    },
    story: ['1 signed', '1 expired: RuntimeUpgraded', ...AGAIN],
  },
  {
    title: 'a runtime upgrade before the signature',
    at: 'signing',
    befall: ({ devchain }) => devchain.faults.upgradeRuntime(),
    story: ONCE,
  },
];

function stallFor(blocks: number): Act {
  return async (live) => {
    live.devchain.faults.stallFinality();
    await live.play(blocks);
    live.devchain.faults.resumeFinality();
  };
}

/** Faults of the weights alone. */
const WEIGHT_FAULTS: readonly Fault[] = [
  {
    title: 'a permit that is gone at the inclusion',
    at: 'sent',
    befall: (live) => amendSelf(live, { permit: false }),
    mend: (live) => amendSelf(live, { permit: true }),
    story: ['1 signed', '1 included', '1 failed: NeuronNoValidatorPermit', ...AGAIN],
  },
  {
    title: 'a version key that is raised before the inclusion',
    at: 'sent',
    befall: (live) => amendParams(live, { weightsVersionKey: 99n }),
    mend: (live) => amendParams(live, { weightsVersionKey: 0n }),
    story: ['1 signed', '1 included', '1 failed: IncorrectWeightVersionKey', ...AGAIN],
  },
  {
    title: 'a version key that is raised before the signature',
    at: 'before',
    befall: (live) => amendParams(live, { weightsVersionKey: 99n }),
    mend: (live) => amendParams(live, { weightsVersionKey: 0n }),
    story: ['1 refused: IncorrectWeightVersionKey', ...AGAIN],
  },
];

/** Faults of the commitment alone. */
const COMMITMENT_FAULTS: readonly Fault[] = [
  {
    title: 'a seat that is lost at the inclusion',
    at: 'sent',
    befall: (live) => amendSelf(live, { hotkey: devSigner('stranger').hotkey }),
    mend: (live) => amendSelf(live, { hotkey: devSigner(SELF).hotkey }),
    story: ['1 signed', '1 included', '1 failed: AccountNotAllowedCommit', ...AGAIN],
  },
  {
    title: 'space that is taken away before the inclusion',
    at: 'sent',
    befall: (live) => amendParams(live, { maxSpace: 0 }),
    mend: (live) => amendParams(live, { maxSpace: 3_100 }),
    story: [
      '1 signed',
      '1 included',
      '1 failed: SpaceLimitExceeded',
      '2 refused: SpaceLimitExceeded',
      '3 signed',
      '3 included',
      '3 succeeded',
    ],
  },
];

/** Changes the validator's own neuron from the next block on. */
function amendSelf({ devchain }: LiveValidator, changes: Partial<DevNeuron>): void {
  devchain.amend((state) => ({
    ...state,
    neurons: state.neurons.map((neuron, uid) =>
      uid === SELF_UID ? { ...neuron, ...changes } : neuron,
    ),
  }));
}

function amendParams({ devchain }: LiveValidator, changes: Partial<DevParams>): void {
  devchain.amend((state) => ({ ...state, params: { ...state.params, ...changes } }));
}

/** Plays run 1 up to where the extrinsic of a purpose is signed, then with the fault, then to its end. */
async function playWith(
  { at, befall, mend }: Omit<Fault, 'title' | 'story'>,
  purpose: Purpose,
  live: LiveValidator,
) {
  const phases = await openRun(live);
  if (purpose === 'weights') {
    await live.play(5);
    await live.leapTo(phases.commit);
  }
  const block = phases[purpose === 'weights' ? 'certify' : 'snapshot'];
  await live.playTo(block - 1 - FINALITY_LAG);
  if (at === 'before') await befall(live);
  await live.playTo(block - 1);
  for (const step of ['signing', 'sent', 'included'] as const) {
    if (step === at) await befall(live);
    await live.play();
  }
  await mend?.(live);
  if (purpose === 'commitment') {
    await playUntil('a commitment', live, async () => {
      const settled = await recordedOf(live.node, 'extrinsic.settled.v1', 1);
      return settled.at(-1)?.outcome === 'succeeded';
    });
    await live.leapTo(phases.commit);
  }
  await finish(live);
  return phases;
}

/** Until the log says that the chain holds what was intended. */
function finish(live: LiveValidator): Promise<void> {
  return playUntil('the weights on the chain', live, async () => {
    const observed = await recordedOf(live.node, 'weights.observed.v1', 1);
    return observed.at(-1)?.matches === true;
  });
}

/** More than the longest wait of any attempt. */
const PATIENCE_BLOCKS = 3 * INTERVAL;

async function playUntil(what: string, live: LiveValidator, look: () => Promise<boolean>) {
  for (let blocks = 0; !(await look()); blocks += 1) {
    if (blocks > PATIENCE_BLOCKS) throw new Error(`not within ${PATIENCE_BLOCKS} blocks: ${what}`);
    await live.play();
  }
}

const start = (hyperparameters: LiveOptions['hyperparameters'] = {}) =>
  liveValidator({ hyperparameters, weightInterval: INTERVAL });

describe.each([
  ['commitment', [...FAULTS, ...COMMITMENT_FAULTS]],
  ['weights', [...FAULTS, ...WEIGHT_FAULTS]],
] as const)('the log says what the chain did, and it did it once: %s', (purpose, faults) => {
  test.each(faults)('$title', async (fault) => {
    await using live = await start();
    await playWith(fault, purpose, live);
    expect(await storyOf(live, purpose)).toEqual(fault.story);
    await expectTruth(live);
  });

  test('a nonce that somebody else takes for the same hotkey', async () => {
    await using live = await start();
    await using other = openChain(live.devchain, SELF);
    await playWith(
      {
        at: 'signing',
        befall: async ({ devchain, play }) => {
          devchain.faults.dropOnCall('author_submitExtrinsic', 'before-call');
          await play();
          await submit(other);
        },
      },
      purpose,
      live,
    );
    expect(await storyOf(live, purpose)).toEqual(['1 signed', '1 usurped: NonceTaken', ...AGAIN]);
    await expectTruth(live, { foreign: 1 });
  });

  test('a nonce that is ahead, because the extrinsic before it never comes', async () => {
    await using live = await start();
    await using other = openChain(live.devchain, SELF);
    let before: Extrinsic | null = null;
    await playWith(
      {
        at: 'signing',
        befall: async ({ devchain }) => {
          devchain.faults.holdExtrinsics(10);
          before = await submit(other);
        },
        mend: ({ devchain }) => {
          devchain.faults.evictExtrinsic(before?.hash ?? '');
          devchain.faults.holdExtrinsics(0);
        },
      },
      purpose,
      live,
    );
    const [first, second] = (await recordedOf(live.node, 'extrinsic.signed.v1', 1)).filter(
      (each) => each.purpose === purpose,
    );
    expect(second?.nonce).toBe((first?.nonce ?? 0) - 1);
    expect(await storyOf(live, purpose)).toEqual(['1 signed', '1 expired: Expired', ...AGAIN]);
    await expectTruth(live);
  });
});

/** Submits a call under the validator's own hotkey. */
async function submit(chain: Subtensor): Promise<Extrinsic> {
  const signing = await answered(() => chain.sign({ kind: 'axon', url: 'http://192.0.2.7:8091' }));
  if (signing.kind === 'refused') throw new Error(signing.error.detail);
  expect(await chain.send(signing.extrinsic)).toEqual({ kind: 'sent' });
  return signing.extrinsic;
}

test('weights that come too soon are refused with the block, and pass at that block', async () => {
  await using live = await start({ weightsSetRateLimit: 30 });
  let lastUpdate = 0;
  await playWith(
    {
      at: 'before',
      befall: ({ devchain }) => {
        lastUpdate = devchain.heads().finalized.number;
        amendSelf(live, { lastUpdate });
      },
    },
    'weights',
    live,
  );
  expect(await storyOf(live, 'weights')).toEqual(['1 refused: SettingWeightsTooFast', ...AGAIN]);
  const opensAt = lastUpdate + 30;
  const settled = await recordedOf(live.node, 'extrinsic.settled.v1', 1);
  expect(settled.at(-2)).toMatchObject({ retryAt: opensAt, errorClass: 'wait' });
  const signed = await recordedOf(live.node, 'extrinsic.signed.v1', 1);
  expect(signed.at(-1)).toMatchObject({ birth: opensAt });
  await expectTruth(live);
});

describe('under commit-reveal', () => {
  const COMMIT_REVEAL = { commitRevealEnabled: true, tempo: 9 };
  const NEVER: Omit<Fault, 'title' | 'story'> = { at: 'signing', befall: () => undefined };

  test('weights are looked at after their reveal', async () => {
    await using live = await start(COMMIT_REVEAL);
    await playWith(NEVER, 'weights', live);
    expect(await storyOf(live, 'weights')).toEqual(ONCE);
    const signed = (await recordedOf(live.node, 'extrinsic.signed.v1', 1)).at(-1);
    const observed = await recordedOf(live.node, 'weights.observed.v1', 1);
    expect(observed).toHaveLength(1);
    expect(observed[0]?.block).toBeGreaterThan(signed?.reveal?.block ?? Number.NaN);
    await expectTruth(live);
  });

  test('weights whose reveal fails without a word are seen to be missing, and set again', async () => {
    await using live = await start(COMMIT_REVEAL);
    const { devchain } = live;
    await playWith(
      {
        at: 'included',
        befall: async () => {
          while (devchain.stateAt('best').timelocked.length > 0) {
            amendSelf(live, { permit: false });
            await live.play();
          }
          amendSelf(live, { permit: true });
        },
      },
      'weights',
      live,
    );
    expect(await storyOf(live, 'weights')).toEqual([...ONCE, ...AGAIN]);
    expect(await recordedOf(live.node, 'weights.observed.v1', 1)).toMatchObject([
      { attempt: 1, matches: false, vector: null },
      { attempt: 2, matches: true },
    ]);
    await expectTruth(live, { sets: 2 });
  });

  test.each([
    ['turned on', false, 'CommitRevealEnabled'],
    ['turned off', true, 'CommitRevealDisabled'],
  ])('that is %s before the inclusion the weights are made anew', async (_, before, error) => {
    await using live = await start({ ...COMMIT_REVEAL, commitRevealEnabled: before });
    await playWith(
      { at: 'sent', befall: () => amendParams(live, { commitRevealEnabled: !before }) },
      'weights',
      live,
    );
    expect(await storyOf(live, 'weights')).toEqual([
      '1 signed',
      '1 included',
      `1 failed: ${error}`,
      ...AGAIN,
    ]);
    await expectTruth(live);
  });
});
