/** One file of a published log: its path as it is served, and its bytes. */
export type LogFile = Readonly<{ path: string; bytes: Uint8Array }>;

/** Where the newest checkpoint is served. */
export const CHECKPOINT_PATH = 'checkpoint';

/**
 * The published files of one log, under exactly the paths that they are served with, and the place where new
 * ones are staged. Everything is on disk when it resolves. What throws leaves open what was written: whoever
 * hears of it reads again before it goes on.
 */
export type LogFiles = Readonly<{
  /** The bytes under a path; null where there is nothing. */
  read: (path: string) => Promise<Uint8Array | null>;
  /** True before anything was published. */
  isEmpty: () => Promise<boolean>;
  /** Publishes tiles and bundles, which never change. Throws `log.forked` where other bytes are published already. */
  publish: (files: readonly LogFile[]) => Promise<void>;
  /** Puts authenticated bytes in the place of damaged ones: for a repair alone. */
  mend: (files: readonly LogFile[]) => Promise<void>;
  /** Replaces the checkpoint: a reader sees the old one or the new. */
  publishCheckpoint: (note: Uint8Array) => Promise<void>;
  /** Makes a checkpoint that an earlier process left behind durable under its name. */
  syncCheckpoint: () => Promise<void>;
  /** Removes the partial forms of tiles that are published whole by these paths. */
  discardPartials: (paths: readonly string[]) => Promise<void>;
  stage: (name: string, bytes: Uint8Array) => Promise<void>;
  readStaged: (name: string) => Promise<Uint8Array | null>;
  /** The names of what is staged. */
  staged: () => Promise<readonly string[]>;
  unstage: (name: string) => Promise<void>;
}>;
