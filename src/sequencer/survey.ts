import { isAppError } from '../errors.ts';
import { NO_LEAF } from '../events/hash.ts';
import { EMPTY_ROOT, type Hash, hexOf, leafOf, sameHash } from '../merkle/tree.ts';
import type { CoverDeps, Covered } from './cover-events.ts';
import type { Locked } from './lock.ts';
import { CHECKPOINT_PATH, type LogFile, type LogFiles } from './log-files.ts';
import { requirePublished } from './published-file.ts';
import { isFullTile, publishedLeaves, type TileFault, tileFault } from './published-tiles.ts';
import { type Edge, EMPTY_EDGE, extend, partialTiles, rootOfEdge } from './second-way.ts';
import type { SizedRoot } from './sized-root.ts';
import { stagingName } from './staging.ts';
import { fetchEvents } from './stored-events.ts';
import { createTileBuilder, type TileBuilder } from './tile-builder.ts';
import { verifyStaged } from './verify-staged.ts';

/** What of a log lies here, every event of it hashed anew: the stream the first way, the published files the second. */
export type Survey = Readonly<{
  published: SizedRoot | 'none' | 'unreadable';
  tiles: Readonly<{ kind: 'whole' }> | TileFault;
  /** The verified files of a staging that leads from what is published to the lock; null where there is none. */
  staged: readonly LogFile[] | null;
  stream: Readonly<{ size: number; root: string | null }>;
  differsAt: number | null;
  /** The log up to the lock, from the stream and, in `edge`, from the files: what a sequencer goes on from. */
  covered: Covered;
}>;

export type SurveyDeps = Pick<CoverDeps, 'events' | 'files' | 'notes'>;

/** Looks at all that lies here of the log whose last signed checkpoint is locked. Changes nothing. */
export async function surveyLog(locked: Locked, deps: SurveyDeps): Promise<Survey> {
  const { events, files } = deps;
  const published = await readCheckpoint(deps);
  const size = await events.size();
  const filed = published === 'none' || published === 'unreadable' ? EMPTY_LOG : published;
  const walk = newWalk({
    streamEnd: Math.min(size, locked.size),
    filesEnd: Math.min(filed.size, locked.size),
  });
  while (walk.at < Math.max(walk.streamEnd, walk.filesEnd)) await step(walk, deps);
  walk.fault ??= await compareEnd(walk, filed, deps);

  const { builder, edge, fault } = walk;
  return {
    published,
    tiles: fault ?? { kind: 'whole' },
    staged: fault === null ? await readStaging(locked, filed, edge, files) : null,
    stream: { size, root: builder.size() === locked.size ? hexOf(builder.root()) : null },
    differsAt: walk.differsAt,
    covered: { builder, edge, head: { size: locked.size, hash: walk.lastLeaf }, locked },
  };
}

const EMPTY_LOG: SizedRoot = { size: 0, root: hexOf(EMPTY_ROOT) };

/** The published checkpoint, if it is one of this log and opens under its keys. */
async function readCheckpoint({
  files,
  notes,
  events,
}: SurveyDeps): Promise<SizedRoot | 'none' | 'unreadable'> {
  const note = await files.read(CHECKPOINT_PATH);
  if (note === null) return 'none';
  const opened = notes.open(note);
  if (opened?.origin !== events.source) return 'unreadable';
  return { size: opened.size, root: hexOf(opened.root) };
}

/** A piece of the log that is held in memory at once: whole bundles. */
const STEP_EVENTS = 2_048;

type Walk = {
  at: number;
  /** Up to where stream and files are to be read; cut where the stream ends before what it states. */
  streamEnd: number;
  readonly filesEnd: number;
  readonly builder: TileBuilder;
  edge: Edge;
  lastLeaf: string;
  differsAt: number | null;
  fault: TileFault | null;
};

function newWalk({ streamEnd, filesEnd }: Pick<Walk, 'streamEnd' | 'filesEnd'>): Walk {
  return {
    at: 0,
    streamEnd,
    filesEnd,
    builder: createTileBuilder(),
    edge: EMPTY_EDGE,
    lastLeaf: NO_LEAF,
    differsAt: null,
    fault: null,
  };
}

/** Takes the next piece of both; a piece ends where either does. */
async function step(walk: Walk, deps: SurveyDeps): Promise<void> {
  const { at, filesEnd } = walk;
  const ends = [at + STEP_EVENTS, walk.streamEnd, filesEnd].filter((end) => end > at);
  const end = Math.min(...ends);
  const stored = at < walk.streamEnd ? await fetchEvents(deps.events, at, end) : [];
  if (at < walk.streamEnd && stored.length < end - at) {
    // The stream states more than it finds.
    walk.streamEnd = at + stored.length;
    walk.differsAt ??= walk.streamEnd;
  }
  const leaves = stored.map(leafOf);
  for (const leaf of leaves) walk.builder.append(leaf);
  walk.builder.takeTiles(at); // what is published is compared with the second way's tiles
  const last = leaves.at(-1);
  if (last !== undefined) walk.lastLeaf = hexOf(last);

  if (at < filesEnd && walk.fault === null) await compareFiles(walk, { end, leaves }, deps);
  walk.at = end;
}

async function compareFiles(
  walk: Walk,
  { end, leaves }: Readonly<{ end: number; leaves: readonly Hash[] }>,
  { files }: SurveyDeps,
): Promise<void> {
  const { at, filesEnd } = walk;
  const published = await publishedLeaves(files, { from: at, to: end, size: filesEnd });
  if ('kind' in published) {
    walk.fault = published;
    return;
  }
  const differs = published.findIndex((leaf, index) => {
    const other = leaves[index];
    return other !== undefined && !sameHash(leaf, other);
  });
  if (differs !== -1) walk.differsAt ??= at + differs;
  const { edge, tiles } = extend(walk.edge, at, published);
  walk.edge = edge;
  walk.fault = await tileFault(
    files,
    [...tiles].filter(([path]) => isFullTile(path)),
  );
}

/** What only shows when all files were read: the tiles that are not full yet, and the root that was published. */
async function compareEnd(
  { edge, filesEnd }: Walk,
  filed: SizedRoot,
  { files }: SurveyDeps,
): Promise<TileFault | null> {
  if (filesEnd !== filed.size) return null; // more is published than was signed here: the log does not go on
  const fault = await tileFault(files, partialTiles(edge, filesEnd));
  if (fault !== null || hexOf(rootOfEdge(edge)) === filed.root) return fault;
  return { kind: 'damaged', file: CHECKPOINT_PATH };
}

/** What is staged for the lock, if it takes what is published there. */
async function readStaging(
  locked: Locked,
  from: SizedRoot,
  edge: Edge,
  files: LogFiles,
): Promise<readonly LogFile[] | null> {
  const bytes = from.size < locked.size ? await files.readStaged(stagingName(locked)) : null;
  if (bytes === null) return null;
  try {
    const read = (path: string): Promise<Uint8Array> => requirePublished(files, path);
    return (await verifyStaged(bytes, { from, edge, to: locked }, read)).files;
  } catch (error) {
    // It was made for another beginning, or damaged; what it holds may still be in the stream.
    if (isAppError(error, 'checkpoint.invalid')) return null;
    throw error;
  }
}
