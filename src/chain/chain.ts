import type { CommitmentStatement } from '../consensus/commitment-extrinsic.ts';
import type { SeenNeuron } from '../consensus/snapshot.ts';
import type { StorageProof } from '../events/commitment.ts';
import type { UnknownReason } from '../events/snapshot.ts';
import type { Vector } from '../events/weights.ts';

/** A fact of the chain is known, with its block, or unknown, with a reason. Unknown is never empty. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: UnknownReason; readonly detail: string };

/** A neuron of the subnet. */
export type Neuron = SeenNeuron &
  Readonly<{
    /** Block of its last weights or weight commit; 0 before the first. */
    lastUpdate: number;
  }>;

/** The rules that the chain has for this subnet at a block. */
export type Hyperparameters = Readonly<{
  /** Blocks of an epoch. */
  tempo: number;
  /** Of 65,535: the share of stake that has to support a weight. */
  kappa: number;
  /** Entries that a weight vector must have, zero ones included. */
  minAllowedWeights: number;
  /** Weights carry a version key that is not below this one; 0 asks for none. */
  weightsVersion: bigint;
  /** Blocks between two updates of one hotkey's weights. */
  weightsRateLimit: number;
  /** Blocks after which a validator that set no weights does not count any more. */
  activityCutoff: number;
  maxValidators: number;
  /** Weights are committed, and revealed `revealPeriod` epochs later. */
  commitReveal: boolean;
  revealPeriod: number;
  /** Total stake in rao from which a hotkey may set weights. */
  stakeThreshold: bigint;
}>;

/** The subnet at one finalised block. */
export type Metagraph = Readonly<{
  block: number;
  blockHash: string;
  neurons: readonly Neuron[];
  ownerHotkey: string | null;
  hyperparameters: Hyperparameters;
}>;

/** A commitment that stood in the state of a finalised block. */
export type ChainCommitment = Readonly<{
  hotkey: string;
  /** The block that it was made in. */
  block: number;
  /** Its fields in their order: the text of one that is printable ASCII, else null. */
  fields: readonly (string | null)[];
}>;

/** A commitment as its block holds it: signed by its hotkey, or in a form that shows nothing without the chain. */
export type SignedCommitment =
  | Readonly<{
      kind: 'signed';
      block: number;
      /** As in `ChainCommitment`. */
      fields: readonly (string | null)[];
      /** What proves to anybody that the hotkey signed it, for this network. */
      statement: CommitmentStatement;
    }>
  /** The block has no such extrinsic: the hotkey committed within a batch or by a proxy, if it did. */
  | Readonly<{ kind: 'not-portable'; block: number; detail: string }>;

/** Finalised blocks from `after`, excluded, to `upTo`, included. */
export type BlockRange = Readonly<{ after: number; upTo: number }>;

/** What is asked of the chain under this validator's hotkey. */
export type Call =
  | { readonly kind: 'weights'; readonly vector: Vector }
  /** At most 3 fields of at most 128 bytes of printable ASCII. */
  | {
      readonly kind: 'commitment';
      readonly fields: readonly string[];
      /** Bytes of the epoch's space for commitments that it has to leave; none when it is not given. */
      readonly spareBytes?: number;
    }
  /** Where peers find this validator: `http://` with an IP address and a port (`serve_axon`). */
  | { readonly kind: 'axon'; readonly url: string };

/**
 * A signed extrinsic. Its bytes may be sent any number of times: they carry a nonce, so the chain takes
 * them once at most, and never after block `death`.
 */
export type Extrinsic = Readonly<{
  /** Pallet and call by their names in the metadata: `SubtensorModule.set_mechanism_weights`. */
  call: string;
  /** BLAKE2b-256 of the bytes, 64 hex digits. */
  hash: string;
  /** Lower-case hex without prefix. */
  bytes: string;
  nonce: number;
  /** The finalised block that it was signed at, and the last one that may include it. */
  birth: number;
  death: number;
  /** When a timelocked commit becomes weights: the first block that may reveal it, and its drand round. */
  reveal: Readonly<{ block: number; round: number }> | null;
}>;

/**
 * Why the chain, or a rule checked before sending, takes no call. `class` says who can mend it: `wait`
 * and `network` pass by themselves, `stale` passes when the call is built again, `operator` needs a
 * person, `bug` needs us.
 */
export type ChainError = Readonly<{
  /** The pallet's own name where it has one: `SettingWeightsTooFast`. */
  name: string;
  detail: string;
  class: 'wait' | 'stale' | 'operator' | 'bug' | 'network';
  /** The block from which another attempt can pass; null where no block is known. */
  retryAt: number | null;
}>;

/** A call that was signed, or that would not pass and therefore is not sent. */
export type Signing =
  | { readonly kind: 'signed'; readonly extrinsic: Extrinsic }
  | { readonly kind: 'refused'; readonly error: ChainError };

/**
 * Whether a node took an extrinsic into its pool. `refused`: no node has it. `unknown`: the connection was
 * lost meanwhile, or this node refuses what another may have; the blocks tell what becomes of it.
 */
export type Sending =
  | { readonly kind: 'sent' }
  | { readonly kind: 'refused'; readonly error: ChainError }
  | { readonly kind: 'unknown'; readonly detail: string };

/** What became of an extrinsic. Included is not final, final is not succeeded. */
export type Trace =
  /** In no block up to the finalised `block`; it may still come. */
  | { readonly kind: 'pending'; readonly block: number }
  /** In a block that is not final yet, and may be retracted. */
  | { readonly kind: 'included'; readonly block: number; readonly blockHash: string }
  /** In a finalised block; `error` is null when the call succeeded. */
  | {
      readonly kind: 'final';
      readonly block: number;
      readonly blockHash: string;
      readonly error: ChainError | null;
    }
  /**
   * In no finalised block, and none can include it any more: as of finalised `block`. A signature holds for
   * one version of the runtime.
   */
  | {
      readonly kind: 'dead';
      readonly block: number;
      readonly reason: 'expired' | 'nonce-taken' | 'runtime-upgraded';
    };

/** The weights that the chain holds for a hotkey at a finalised block. */
export type WeightsRow = Readonly<{
  block: number;
  /** Null when it holds none. */
  vector: Vector | null;
  /** Block of this hotkey's last weights or weight commit; 0 before the first. */
  lastUpdate: number;
  activityCutoff: number;
  /** Blocks between two updates of one hotkey's weights. */
  weightsRateLimit: number;
}>;

/** What a validator needs of the chain. An outage is a value here, not an exception. */
export type Chain = Readonly<{
  netuid: number;
  /** Genesis hash, 64 hex digits: the network's identity. */
  genesis: string;
  /** The newest finalised block number: the clock of every phase. */
  finalizedBlock: () => Promise<Known<number>>;
  /** The subnet as of a finalised block. */
  metagraph: (block: number) => Promise<Known<Metagraph>>;
  /**
   * Every commitment of these hotkeys that stood at the end of a block in the range, oldest first. Of two
   * that one hotkey made in one block only the second ever stood.
   */
  commitments: (
    hotkeys: readonly string[],
    range: BlockRange,
  ) => Promise<Known<readonly ChainCommitment[]>>;
  /** What stands in the slots of these hotkeys at the newest finalised block; who has none is left out. */
  latestCommitments: (hotkeys: readonly string[]) => Promise<Known<readonly ChainCommitment[]>>;
  /**
   * The commitments of a hotkey to this subnet in the bodies of these finalised blocks, in the order of the
   * blocks, whatever their calls came to; for a block without one that can be proved, why.
   */
  commitmentExtrinsics: (
    hotkey: string,
    blocks: readonly number[],
  ) => Promise<Known<readonly SignedCommitment[]>>;
  /** What stands in the slot of a hotkey at the end of a finalised block, as anybody can check it who knows that block's hash. */
  commitmentProof: (hotkey: string, block: number) => Promise<Known<StorageProof>>;
  /** Checks a call against the chain's rules and signs it. Sends nothing. */
  sign: (call: Call) => Promise<Known<Signing>>;
  /** Sends an extrinsic. Safe to repeat. */
  send: (extrinsic: Extrinsic) => Promise<Sending>;
  /** Asks the blocks what became of an extrinsic. */
  trace: (extrinsic: Extrinsic) => Promise<Known<Trace>>;
  /** The weights that the chain holds for a hotkey at its newest finalised block. */
  weightsOf: (hotkey: string) => Promise<Known<WeightsRow>>;
}>;
