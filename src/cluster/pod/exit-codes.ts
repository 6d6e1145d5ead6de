/** How our own programs in a pod end, by which a failure is put down to somebody. */
export const POD_EXIT = {
  /** The bytes that arrived are not those of the roster: ours. */
  hashDiffers: 64,
  /** The right bytes do not unpack: the miner's. */
  notAnArchive: 65,
  /** The network was still open, or the proxy out of reach, when the time was over: ours. */
  notClosed: 66,
} as const;
