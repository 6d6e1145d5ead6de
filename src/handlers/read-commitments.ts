import type { Chain, Known } from '../chain/chain.ts';
import { readSlots } from '../consensus/commitment-reads.ts';
import type { DomainEvent } from '../events/catalogue.ts';
import type { Phases } from '../events/run.ts';
import { detailOf } from '../events/scalars.ts';
import type { Voter } from '../events/snapshot.ts';
import type { CommitmentRead } from '../projectors/reports.ts';
import type { Recorder } from './recorder.ts';

export type ReadRequest = Readonly<{
  family: string;
  run: string;
  phases: Phases;
  voters: readonly Voter[];
  /** What was read before. */
  reads: readonly CommitmentRead[];
  /** The finalised block. */
  block: number;
}>;

type ReadDeps = Readonly<{ commitments: Chain['commitments']; record: Recorder }>;

/**
 * Reads what the voters committed to since the last read, up to the commit block at most, and records
 * it, with what they anchored of their logs. An unknown answer is asked again at the next block. Gives why it was unknown. Who votes was
 * registered at the snapshot block, so no commitment after it is of an earlier holder of the seat.
 */
export async function readCommitments(
  request: ReadRequest,
  deps: ReadDeps,
): Promise<string | null> {
  const read = await readRest(request, deps);
  if (!read.known) return `${read.reason}: ${read.detail}`;
  await deps.record(read.value);
  return null;
}

/** Reads a last time, and records that the commitments stay unknown if they do. */
export async function missCommitments(
  request: ReadRequest,
  deps: ReadDeps,
): Promise<string | null> {
  const { family, run, block } = request;
  const read = await readRest(request, deps);
  if (read.known) {
    await deps.record(read.value);
    return null;
  }
  const { reason } = read;
  const detail = detailOf(read.detail);
  await deps.record([
    { type: 'commitments.missed.v1', data: { family, run, block, reason, detail } },
  ]);
  return `${reason}: ${detail}`;
}

/** The block up to which commitments were read; null before the first read. */
export function readThrough(reads: readonly CommitmentRead[]): number | null {
  return reads.at(-1)?.upTo ?? null;
}

async function readRest(
  { family, run, phases, voters, reads, block }: ReadRequest,
  { commitments }: Pick<ReadDeps, 'commitments'>,
): Promise<Known<readonly DomainEvent[]>> {
  const range = {
    after: readThrough(reads) ?? phases.snapshot,
    upTo: Math.min(block, phases.commit),
  };
  const hotkeys = voters.map(({ hotkey }) => hotkey);
  const read = await commitments(hotkeys, range);
  if (!read.known) return read;
  const { found, anchors } = readSlots(read.value, { run, hotkeys, ...range });
  return {
    known: true,
    value: [
      { type: 'commitments.read.v1', data: { family, run, ...range, found } },
      { type: 'anchors.read.v1', data: { family, run, ...range, anchors } },
    ],
  };
}
