/** A checkpoint of this validator's log that is published: nothing behind it can be taken back. */
export type PublishedCheckpoint = Readonly<{
  size: number;
  /** Root of the Merkle tree over the first `size` events, 64 hex digits. */
  root: string;
  /** The signed note as it is served. */
  note: Uint8Array;
}>;

/** The published checkpoints of the own log. */
export type Checkpoints = Readonly<{
  /** The newest; null before the first. */
  published: () => PublishedCheckpoint | null;
  /** The first one that is published with at least `size` events. Throws the signal's reason, or why none will come. */
  covering: (size: number, signal: AbortSignal) => Promise<PublishedCheckpoint>;
}>;
