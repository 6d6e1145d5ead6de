import { AppError } from '../errors.ts';

/** What is free on the fullest of the disks that a log is written to. */
export type Space = Readonly<{ freeBytes: number; totalBytes: number }>;

/** Looks at the disks. */
export type AskSpace = () => Promise<Space>;

/**
 * `no-new-work`: what is under way may end, nothing new begins. `nothing-signed`: not even a checkpoint is
 * written; a full disk in the middle of a write has cost other logs their lives.
 */
export type SpaceVerdict = 'enough' | 'no-new-work' | 'nothing-signed';

const NEW_WORK_SHARE = 0.05;
const SIGNING_SHARE = 0.02;

/** A log grows by a few kilobytes an event: with so much left the share of a large disk says nothing. */
const AMPLE_BYTES = 20 * 1024 ** 3;

/** What may be written with so much space left. */
export function judgeSpace({ freeBytes, totalBytes }: Space): SpaceVerdict {
  if (freeBytes >= AMPLE_BYTES || freeBytes >= NEW_WORK_SHARE * totalBytes) return 'enough';
  return freeBytes >= SIGNING_SHARE * totalBytes ? 'no-new-work' : 'nothing-signed';
}

/** The space for people: `3.1 % free (1.2 of 40.0 GiB)`. */
export function describeSpace({ freeBytes, totalBytes }: Space): string {
  const gib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);
  const percent = totalBytes === 0 ? '0.0' : ((100 * freeBytes) / totalBytes).toFixed(1);
  return `${percent} % free (${gib(freeBytes)} of ${gib(totalBytes)} GiB)`;
}

/** Gives `append` with a gate before it. It throws `log.full` while the space is short. */
export function gatedBySpace<Args extends readonly unknown[], T>(
  append: (...args: Args) => Promise<T>,
  askSpace: AskSpace,
): (...args: Args) => Promise<T> {
  return async (...args) => {
    const space = await askSpace();
    if (judgeSpace(space) !== 'enough')
      throw new AppError('log.full', {
        found: describeSpace(space),
        expected: `at least ${100 * NEW_WORK_SHARE} % of the disk`,
        next: 'free space on the disks of EIREL_DATA_DIR and EIREL_SIGNING_DIR',
      });
    return append(...args);
  };
}
