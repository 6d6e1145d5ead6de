import type { DevNeuron, DevParams } from '#src/devchain/state.ts';
import { devSigner } from './dev-keys.ts';
import { type LiveValidator, SELF, SELF_UID } from './live-validator.ts';
import { recordedOf } from './simulated-run.ts';

export type Act = (live: LiveValidator) => void | Promise<void>;

/**
 * Something that befalls the chain or the validator: so long before an extrinsic is signed that it is final
 * then, or just before the block at which the extrinsic is signed and sent, or included, or just after
 * that. It is mended three blocks after the signature.
 */
export type Fault = Readonly<{
  title: string;
  at: 'before' | 'signing' | 'sent' | 'included';
  befall: Act;
  mend?: Act;
  /** What the log tells of the attempts. */
  story: readonly string[];
}>;

/** The story of an attempt that nothing kept from its block, and of a second one. */
export const ONCE = ['1 signed', '1 included', '1 succeeded'];
const UNSEEN = ['1 signed', '1 succeeded'];
const SEEN_TWICE = ['1 signed', '1 included', '1 included', '1 succeeded'];
export const AGAIN = ['2 signed', '2 included', '2 succeeded'];

export const FAULTS: readonly Fault[] = [
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

/** Finality stands still for so many blocks, then catches up. */
export function stallFor(blocks: number): Act {
  return async (live) => {
    live.devchain.faults.stallFinality();
    await live.play(blocks);
    live.devchain.faults.resumeFinality();
  };
}

/** Faults of the weights alone. */
export const WEIGHT_FAULTS: readonly Fault[] = [
  {
    title: 'a connection that drops while the chain is asked what it holds',
    at: 'included',
    befall: async (live) => {
      await live.play(2);
      live.devchain.faults.dropOnCall('state_queryStorageAt', 'before-answer');
    },
    story: ONCE,
  },
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
export const COMMITMENT_FAULTS: readonly Fault[] = [
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
export function amendSelf({ devchain }: LiveValidator, changes: Partial<DevNeuron>): void {
  devchain.amend((state) => ({
    ...state,
    neurons: state.neurons.map((neuron, uid) =>
      uid === SELF_UID ? { ...neuron, ...changes } : neuron,
    ),
  }));
}

export function amendParams({ devchain }: LiveValidator, changes: Partial<DevParams>): void {
  devchain.amend((state) => ({ ...state, params: { ...state.params, ...changes } }));
}
