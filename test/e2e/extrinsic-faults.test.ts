import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Extrinsic } from '#src/chain/chain.ts';
import type { Subtensor } from '#src/chain/subtensor.ts';
import { hotkeyOf } from '#src/cli/subnet/cast.ts';
import type { Purpose } from '#src/events/extrinsic.ts';
import {
  type Act,
  AGAIN,
  amendParams,
  amendSelf,
  COMMITMENT_FAULTS,
  FAULTS,
  type Fault,
  ONCE,
  stallFor,
  WEIGHT_FAULTS,
} from '../support/extrinsic-faults.ts';
import { expectTruth, storyOf } from '../support/extrinsic-truth.ts';
import { stakedNeurons } from '../support/live-chain.ts';
import { eventsOf, readLog } from '../support/live-log.ts';
import { liveRun, measure, playTo } from '../support/live-run.ts';
import { liveSubnet } from '../support/live-subnet.ts';
import { answered, openChain } from '../support/live-subtensor.ts';
import { PROCESS_TEST_TIMEOUT_MS } from '../support/live-until.ts';
import {
  FINALITY_LAG,
  type LiveOptions,
  type LiveValidator,
  liveValidator,
  openRun,
  SELF,
} from '../support/live-validator.ts';
import { recordedOf } from '../support/simulated-run.ts';

/** Longer than any extrinsic lives, so that nothing falls due again meanwhile; shorter than the phase of commitments. */
const INTERVAL = 80;

/** Plays run 1 up to where the extrinsic of a purpose is signed, then with the fault, then to its end. */
async function playWith(
  { at, befall, mend }: Omit<Fault, 'title' | 'story'>,
  purpose: Purpose,
  live: LiveValidator,
): Promise<void> {
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
    await untilCommitted(live);
    await live.leapTo(phases.commit);
  }
  await finish(live);
}

function untilCommitted(live: LiveValidator): Promise<void> {
  return playUntil('a commitment', live, async () => {
    const settled = await recordedOf(live.node, 'extrinsic.settled.v1', 1);
    return settled.at(-1)?.outcome === 'succeeded';
  });
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

  test("another process's extrinsic that never comes: nothing is signed beside it", async () => {
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
    expect(await storyOf(live, purpose)).toEqual(ONCE);
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

/** What may happen before a block, and not only once. */
const MISHAPS: Readonly<Record<string, Act>> = {
  'nothing happens': () => undefined,
  'connections drop': ({ devchain }) => devchain.faults.dropConnections(),
  'a submission is lost': ({ devchain }) =>
    devchain.faults.dropOnCall('author_submitExtrinsic', 'before-call'),
  'the answer to a submission is lost': ({ devchain }) =>
    devchain.faults.dropOnCall('author_submitExtrinsic', 'before-answer'),
  'a question is lost': ({ devchain }) =>
    devchain.faults.dropOnCall('chain_getFinalizedHead', 'before-answer'),
  'a submission is refused': ({ devchain }) =>
    devchain.faults.rejectNextSubmission('Custom error: 6'),
  'blocks stay empty': ({ devchain }) => devchain.faults.holdExtrinsics(3),
  'the node restarts': ({ devchain }) => devchain.faults.restart(),
  'the validator restarts': (live) => live.restart(),
  'blocks are replaced': ({ devchain }) => devchain.faults.reorg(FINALITY_LAG),
  'blocks are lost': ({ devchain }) => devchain.faults.reorg(FINALITY_LAG, 'drop'),
  'finality stalls': stallFor(4),
  'the runtime is upgraded': ({ devchain }) => devchain.faults.upgradeRuntime(),
};
const anyMishaps = fc.array(fc.constantFrom(...Object.keys(MISHAPS)), { maxLength: 10 });

/** Each takes about a second. */
const RANDOM_RUNS = 8;

test('whatever happens, in whatever order, a run is committed to once and its weights are set once', async () => {
  await fc.assert(
    fc.asyncProperty(anyMishaps, anyMishaps, async (early, late) => {
      await using live = await start();
      const { snapshot, commit, certify } = await openRun(live);
      const suffer = async (mishaps: readonly string[]): Promise<void> => {
        for (const mishap of mishaps) {
          await MISHAPS[mishap]?.(live);
          await live.play();
        }
        live.devchain.faults.reset();
      };
      await live.playTo(snapshot - 1);
      await suffer(early);
      await untilCommitted(live);
      await live.leapTo(commit);
      await live.playTo(certify - 1);
      await suffer(late);
      await finish(live);
      await expectTruth(live);
    }),
    { numRuns: RANDOM_RUNS },
  );
});

test(
  'a validator process whose node forgets its commitment and refuses its weights does both once',
  async () => {
    await using subnet = await liveSubnet({
      validators: ['v1'],
      neurons: (axons) => stakedNeurons({ v1: 400n }, axons),
      env: { EIREL_MIN_COLDKEYS: '1' },
    });
    const { chain } = subnet;
    const run = liveRun(1, chain.block());
    await measure(subnet, run, [0.8, 0.7, 0.6, 0.5, 0.4, 0.3]);
    await playTo(subnet, run.phases.snapshot - 1);
    chain.faults.dropOnCall('author_submitExtrinsic', 'before-answer');
    await playTo(subnet, run.phases.snapshot);
    chain.faults.restart();
    await playTo(subnet, run.phases.certify - 1);
    chain.faults.rejectNextSubmission('Custom error: 6');
    await playTo(subnet, run.phases.certify + 4);
    const log = await readLog(subnet.nats, 'v1');
    const signed = eventsOf(log, 'extrinsic.signed.v1', run.run);
    expect(signed.map(({ purpose, nonce }) => [purpose, nonce])).toEqual([
      ['commitment', 0],
      ['weights', 1],
      ['weights', 1],
    ]);
    const settled = eventsOf(log, 'extrinsic.settled.v1', run.run);
    expect(settled.map(({ outcome, block }) => [outcome, block])).toEqual([
      ['succeeded', chain.findExtrinsic(signed[0]?.hash ?? '')?.block],
      ['rejected', run.phases.certify],
      ['succeeded', chain.findExtrinsic(signed[2]?.hash ?? '')?.block],
    ]);
    expect(chain.findExtrinsic(signed[1]?.hash ?? '')).toBeNull();
    expect(chain.stateAt('finalized').nonces.get(hotkeyOf('v1'))).toBe(2);
    expect(eventsOf(log, 'weights.observed.v1', run.run)).toMatchObject([
      { attempt: 2, matches: true, vector: chain.weightsOf('v1') },
    ]);
  },
  PROCESS_TEST_TIMEOUT_MS,
);
