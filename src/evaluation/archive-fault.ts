import type { z } from 'zod';
import type { ArchiveRefused } from '../events/roster.ts';
import { detailOf } from '../events/scalars.ts';

type RefusedReason = z.infer<typeof ArchiveRefused.data>['reason'];

/** What an archive can be refused for, and how the event says it. */
const REASONS = {
  'archive-too-large': 'too-large',
  'unpacked-too-large': 'too-large',
  /** It unpacks to more than a hundred times its size. */
  ratio: 'too-large',
  'too-many-entries': 'too-large',
  'not-gzip': 'not-an-archive',
  'gzip-truncated': 'not-an-archive',
  /** The compressed data is none, or its length or checksum is another. */
  'gzip-damaged': 'not-an-archive',
  /** A second member, or anything else, follows the first. */
  'gzip-trailing': 'not-an-archive',
  'tar-truncated': 'not-an-archive',
  'header-checksum': 'not-an-archive',
  /** A header of no known form, or with a figure that is none. */
  'header-malformed': 'not-an-archive',
  /** Something follows the end of the archive. */
  'after-end': 'unsafe',
  link: 'unsafe',
  /** A device, a pipe, or a type that not every reader knows. */
  'entry-type': 'unsafe',
  sparse: 'unsafe',
  /** An extended header that changes more than a name, or in more than one way. */
  override: 'unsafe',
  'path-absolute': 'unsafe',
  'path-parent': 'unsafe',
  'path-character': 'unsafe',
  'path-encoding': 'unsafe',
  'path-too-long': 'unsafe',
  /** An empty component, or one of a single dot. */
  'path-component': 'unsafe',
  duplicate: 'unsafe',
  /** Two names that some file system holds for one, or a file where a folder is. */
  collision: 'unsafe',
  'manifest-missing': 'manifest-differs',
  'manifest-too-large': 'manifest-differs',
} as const satisfies Record<string, RefusedReason>;

export type ArchiveFaultCode = keyof typeof REASONS;

export type ArchiveFault = Readonly<{ kind: 'fault'; code: ArchiveFaultCode; detail: string }>;

/** A fault; `detail` may quote a miner, and is cut to what an event holds. */
export function archiveFault(code: ArchiveFaultCode, detail: string): ArchiveFault {
  return { kind: 'fault', code, detail: detailOf(detail) };
}

/** The reason of `archive.refused` for a fault. */
export function refusedReason({ code }: Pick<ArchiveFault, 'code'>): RefusedReason {
  return REASONS[code];
}

/** A name of a miner's choosing for a detail: quoted, so that it holds no control characters, and cut. */
export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 120));
}
