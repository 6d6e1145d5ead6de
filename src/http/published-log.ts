import { AppError } from '../errors.ts';

/**
 * A file of the published log: its size is known before it takes memory. `read` gives null where it has
 * been removed meanwhile: a partial tile is not kept beside the full one.
 */
export type PublishedFile = Readonly<{ size: number; read: () => Promise<Uint8Array | null> }>;

/** This validator's log as it is published (C2SP tlog-tiles). */
export type PublishedLog = Readonly<{
  /** The newest checkpoint that is published, as it is served; null before the first. */
  checkpoint: () => Readonly<{ size: number; note: Uint8Array }> | null;
  /** The file with a path that `tilePath` or `entriesPath` gave; null where there is none. */
  file: (path: string) => Promise<PublishedFile | null>;
}>;

export type PublishedLogDeps = Readonly<{ publishedLog: PublishedLog }>;

/** Events that no checkpoint covers yet have no place in the published log. */
export function notPublished(field: string, value: string, size: number | null): AppError {
  return new AppError('request.not-found', {
    field,
    value,
    reason: 'not-published',
    detail:
      size === null
        ? 'No checkpoint of this log is published yet.'
        : `The published log has no such thing; its checkpoint is over ${size} events.`,
  });
}
