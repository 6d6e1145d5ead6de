/**
 * The whole state of the development chain at the end of one block, as plain immutable values. Rules in
 * this folder are pure functions from one state to the next; SCALE exists only at the edge (`codec`).
 */
export type DevState = Readonly<{
  block: number;
  /** The chain's own time: genesis time + block × slot, however fast blocks are really produced. */
  timestampMs: number;
  netuid: number;
  params: DevParams;
  /** Index is the uid. */
  neurons: readonly DevNeuron[];
  /** Rows by uid, as they were stored: max-upscaled u16 pairs (uid, weight). */
  weights: ReadonlyMap<number, readonly WeightPair[]>;
  /** Bonds by uid of the validator. */
  bonds: ReadonlyMap<number, readonly WeightPair[]>;
  /** Extrinsics that each account has had included, by ss58 address. */
  nonces: ReadonlyMap<string, number>;
  /** The one slot of each hotkey. */
  commitments: ReadonlyMap<string, DevCommitment>;
  usedSpace: ReadonlyMap<string, Readonly<{ lastEpoch: number; used: number }>>;
  timelocked: readonly TimelockedCommit[];
  hashCommits: readonly HashCommit[];
  drand: Readonly<{
    lastStoredRound: number;
    oldestStoredRound: number;
    /** Signatures in hex, only of the rounds that a commit waited for. */
    pulses: ReadonlyMap<number, string>;
  }>;
  /** Block of the last epoch, and blocks since. */
  lastStepBlock: number;
  blocksSinceLastStep: number;
}>;

export type WeightPair = readonly [uid: number, weight: number];

/** Hyperparameters of the subnet and of the network, by the names of the pallet. */
export type DevParams = Readonly<{
  slotMs: number;
  tempo: number;
  kappa: number;
  minAllowedWeights: number;
  weightsVersionKey: bigint;
  weightsSetRateLimit: number;
  activityCutoff: number;
  maxAllowedValidators: number;
  commitRevealEnabled: boolean;
  revealPeriodEpochs: number;
  commitRevealVersion: number;
  /** In rao. */
  stakeThreshold: bigint;
  /** Of 2^64: what root stake counts for. */
  taoWeight: bigint;
  immunityPeriod: number;
  /** 1,000,000 keeps everything: the moving average of bonds. */
  bondsMovingAverage: number;
  bondsPenalty: number;
  /** Bytes of commitments that a hotkey may make in an epoch. */
  maxSpace: number;
  ownerHotkey: string;
  ownerColdkey: string;
  /** The chain's own drand beacon: the public key in G2 (192 hex digits), and its schedule in seconds. */
  beacon: Readonly<{ publicKey: string; genesisTime: number; period: number }>;
}>;

export type DevNeuron = Readonly<{
  hotkey: string;
  coldkey: string;
  alphaStake: bigint;
  taoStake: bigint;
  registeredAt: number;
  permit: boolean;
  active: boolean;
  lastUpdate: number;
  /** Outputs of the last epoch, u16. */
  incentive: number;
  consensus: number;
  dividends: number;
  validatorTrust: number;
  /** Rao, of the last epoch. */
  emission: bigint;
  axon: DevAxon | null;
}>;

export type DevAxon = Readonly<{
  block: number;
  version: number;
  ip: bigint;
  port: number;
  ipType: number;
  protocol: number;
  placeholder1: number;
  placeholder2: number;
}>;

type DevCommitment = Readonly<{ block: number; fields: readonly DevData[] }>;

/** A field of a commitment; `bytes` is hex. */
export type DevData =
  | { readonly kind: 'None' | 'ResetBondsFlag' }
  | {
      readonly kind: 'Raw' | 'BigRaw' | 'BlakeTwo256' | 'Sha256' | 'Keccak256' | 'ShaThree256';
      readonly bytes: string;
    }
  | { readonly kind: 'TimelockEncrypted'; readonly bytes: string; readonly revealRound: number };

/** `commit` is hex; `epoch` the epoch that it was made in. */
export type TimelockedCommit = Readonly<{
  hotkey: string;
  epoch: number;
  block: number;
  commit: string;
  round: number;
}>;

/** The older kind of commit-reveal: a hash whose owner reveals it himself. */
export type HashCommit = Readonly<{
  hotkey: string;
  hash: string;
  epoch: number;
  block: number;
}>;

/** The calls that the runtime dispatches, with the pallet's own names. Hashes and bytes are hex. */
export type DevCall =
  | { readonly call: 'System.remark'; readonly remark: string }
  | {
      readonly call: 'SubtensorModule.set_weights' | 'SubtensorModule.set_mechanism_weights';
      readonly netuid: number;
      readonly mecid: number;
      readonly dests: readonly number[];
      readonly weights: readonly number[];
      readonly versionKey: bigint;
    }
  | {
      readonly call: 'SubtensorModule.commit_timelocked_mechanism_weights';
      readonly netuid: number;
      readonly mecid: number;
      readonly commit: string;
      readonly revealRound: number;
      readonly commitRevealVersion: number;
    }
  | {
      readonly call: 'SubtensorModule.commit_weights' | 'SubtensorModule.commit_mechanism_weights';
      readonly netuid: number;
      readonly mecid: number;
      readonly commitHash: string;
    }
  | {
      readonly call: 'SubtensorModule.reveal_weights' | 'SubtensorModule.reveal_mechanism_weights';
      readonly netuid: number;
      readonly mecid: number;
      readonly uids: readonly number[];
      readonly values: readonly number[];
      readonly salt: readonly number[];
      readonly versionKey: bigint;
    }
  | {
      readonly call: 'SubtensorModule.serve_axon';
      readonly netuid: number;
      readonly version: number;
      readonly ip: bigint;
      readonly port: number;
      readonly ipType: number;
      readonly protocol: number;
      readonly placeholder1: number;
      readonly placeholder2: number;
    }
  | {
      readonly call: 'Commitments.set_commitment';
      readonly netuid: number;
      readonly fields: readonly DevData[];
    };

/** Why a call had no effect, by the pallet's own names. */
export type DevError = Readonly<{
  pallet: 'System' | 'SubtensorModule' | 'Commitments';
  name: string;
}>;

/** What happened in a block, by the pallet's own names. `extrinsic` is null for what no extrinsic caused. */
export type DevEvent = Readonly<{ extrinsic: number | null }> &
  (
    | { readonly event: 'System.ExtrinsicSuccess' }
    | { readonly event: 'System.ExtrinsicFailed'; readonly error: DevError }
    | {
        readonly event: 'SubtensorModule.WeightsSet';
        /** The storage index: mechanism × 4096 + netuid. */
        readonly index: number;
        readonly uid: number;
      }
    | {
        readonly event: 'SubtensorModule.TimelockedWeightsCommitted';
        readonly hotkey: string;
        readonly index: number;
        readonly commitHash: string;
        readonly round: number;
      }
    | {
        readonly event: 'SubtensorModule.TimelockedWeightsRevealed';
        readonly index: number;
        readonly hotkey: string;
      }
    | {
        readonly event: 'SubtensorModule.WeightsCommitted' | 'SubtensorModule.WeightsRevealed';
        readonly hotkey: string;
        readonly index: number;
        readonly commitHash: string;
      }
    | {
        readonly event: 'SubtensorModule.AxonServed';
        readonly netuid: number;
        readonly hotkey: string;
      }
    | {
        readonly event: 'Commitments.Commitment';
        readonly netuid: number;
        readonly hotkey: string;
      }
  );
