/**
 * Where an auditor reads a published log: the files of a tlog-tiles log, by what they hold. Null where the
 * source has no such file; an outage is thrown (`log.unavailable`). Everything that it gives is untrusted.
 */
export type LogSource = Readonly<{
  /** How people call it: a URL, a folder, a stream. */
  name: string;
  /** The newest checkpoint, a signed note; null for a source without one, such as a bare stream. */
  checkpoint: () => Promise<Uint8Array | null>;
  /**
   * The entry bundle `index`: 256 events, or `width` of them at the end of the log, each behind its length
   * (uint16, big-endian). A source without a checkpoint is asked for full bundles, and gives what it has.
   */
  entries: (index: number, width: number) => Promise<Uint8Array | null>;
  /** The hash tile `index` of a level: `width` hashes of 32 bytes. */
  tile: (level: number, index: number, width: number) => Promise<Uint8Array | null>;
}>;
