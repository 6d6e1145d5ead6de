import type { UnknownReason } from '../events/snapshot.ts';
import type { Vector } from '../events/weights.ts';

/** A fact of the chain is known, with its block, or unknown, with a reason. Unknown is never empty. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly reason: UnknownReason; readonly detail: string };

export type Neuron = Readonly<{
  uid: number;
  hotkey: string;
  coldkey: string;
  /** The runtime's own total stake in rao. */
  stake: bigint;
  permit: boolean;
  active: boolean;
  registeredAt: number;
  /** 0 … 65535: the share that the last tempo's consensus paid. */
  incentive: number;
  /** Base URL of its axon; somebody else chose it. */
  axon: string | null;
}>;

/** The subnet at one finalised block. */
export type Metagraph = Readonly<{ block: number; blockHash: string; neurons: readonly Neuron[] }>;

type Receipt =
  | { readonly kind: 'accepted'; readonly block: number; readonly receipt: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** What a validator needs of the chain. An outage is a value here, not an exception. */
export type Chain = Readonly<{
  netuid: number;
  /** Genesis hash, 64 hex digits: the network's identity. */
  genesis: string;
  /** The newest finalised block number: the clock of every phase. */
  finalizedBlock: () => Promise<Known<number>>;
  /** The subnet as of a finalised block. */
  metagraph: (block: number) => Promise<Known<Metagraph>>;
  /** Sets this hotkey's weights. Safe to repeat. */
  setWeights: (hotkey: string, vector: Vector) => Promise<Receipt>;
  /** The weights that the chain holds for a hotkey; `value: null` when it holds none. */
  weightsOf: (hotkey: string) => Promise<Known<Vector | null>>;
}>;
