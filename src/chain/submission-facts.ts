/** What decides whether the chain takes a call of one hotkey, all of it at one block. */
export type SubmissionFacts = Readonly<{
  block: number;
  /** 64 hex digits. */
  blockHash: string;
  /** The chain's own time at that block, in milliseconds. */
  timestampMs: number;
  /** The runtime that ran the block: the one that the connection's metadata describes. */
  specVersion: number;
  /** Neurons of the subnet: uids are below it. */
  uidCount: number;
  /** The hotkey's own place; null when it is not registered. */
  neuron: Readonly<{
    uid: number;
    permit: boolean;
    /** The runtime's own total stake in rao. */
    stake: bigint;
    /** Block of its last weights or weight commit; 0 before the first. */
    lastUpdate: number;
    registeredAt: number;
    /** The subnet's owner, exempt from the stake threshold and the permit. */
    owner: boolean;
  }> | null;
  /** Total stake in rao from which a hotkey may set weights. */
  stakeThreshold: bigint;
  minAllowedWeights: number;
  /** Weights carry a version key that is not below this one; 0 asks for none. */
  weightsVersion: bigint;
  /** Blocks between two updates of one hotkey's weights. */
  weightsRateLimit: number;
  commitReveal: Readonly<{
    enabled: boolean;
    /** The only `commit_reveal_version` that the chain takes. */
    version: number;
    /** Epochs from commit to reveal. */
    period: number;
    /** Timelocked commits of this hotkey that wait for their reveal, of the epoch that block + 1 belongs to. */
    unrevealed: number;
  }>;
  /** Blocks of an epoch; 0 when the subnet runs none. */
  tempo: number;
  /** The schedule of epochs where the chain stores it (spec 423 and later); null where it follows from the block number. */
  epoch: Readonly<{
    index: number;
    lastBlock: number;
    /** Block that an epoch was put off or called forward to; 0 for none. */
    pendingAt: number;
    blocksSinceLastStep: number;
  }> | null;
  drand: Readonly<{
    lastStoredRound: number;
    /** The beacon's public key in G2: 192 hex digits. */
    publicKey: string;
    /** Seconds since 1970. */
    genesisTime: number;
    /** Seconds between two rounds. */
    period: number;
  }>;
  /** Bytes of commitments: what an epoch allows, and what this hotkey used in which epoch. */
  space: Readonly<{ max: number; used: number; usedInEpoch: number }>;
}>;
