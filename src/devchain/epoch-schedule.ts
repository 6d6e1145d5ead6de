/**
 * What decides when epochs are, as up to spec 422: the block number alone. The rules of this folder are
 * written anew, though the adapter has some of them as well: a mistake that both shared would pass every test.
 */
export type Schedule = Readonly<{
  block: number;
  netuid: number;
  params: Readonly<{ tempo: number }>;
}>;

/** The epoch that a block belongs to: ⌊(block + netuid + 1) / (tempo + 1)⌋. */
export function epochIndex({ block, netuid, params: { tempo } }: Schedule): number {
  return Math.floor((block + netuid + 1) / (tempo + 1));
}

/** Blocks until the epoch is run, which the last block of an epoch does: 0 there. */
export function blocksUntilEpoch({ block, netuid, params: { tempo } }: Schedule): number {
  return tempo - ((block + netuid + 1) % (tempo + 1));
}

/** The epoch that a timelocked commit counts for: in the block that runs an epoch it is the next one. */
export function commitEpoch(schedule: Schedule): number {
  return epochIndex(schedule) + (blocksUntilEpoch(schedule) === 0 ? 1 : 0);
}
