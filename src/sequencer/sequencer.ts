import { AppError } from '../errors.ts';
import type { NoteSignature } from '../merkle/signed-note.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import { type Covered, coverEvents } from './cover-events.ts';
import { CHECKPOINT_PATH } from './log-files.ts';
import { addLines } from './notes.ts';
import { type PublishedBoard, type PublishedNote, publishedBoard } from './published-board.ts';
import { askAgain, type ReconcileDeps, reconcile } from './reconcile.ts';
import type { SizedRoot } from './sized-root.ts';
import { type AskSpace, describeSpace, judgeSpace } from './space.ts';
import type { StoredEvents } from './stored-events.ts';

/** A log that is being signed and published. */
export type Sequencer = Readonly<{
  source: string;
  /** The newest published checkpoint; null before the first. */
  published: () => PublishedNote | null;
  /** The first that is published with at least `size` events. Throws the signal's reason, or why none will come. */
  covering: (size: number, signal: AbortSignal) => Promise<PublishedNote>;
  /**
   * Adds verified cosignatures of a checkpoint to the one that is served. False when a newer one is served
   * meanwhile: theirs would be another text's.
   */
  addCosignatures: (of: SizedRoot, lines: readonly NoteSignature[]) => Promise<boolean>;
  /** Why nothing is signed for the time being; null while everything is. */
  holdup: () => string | null;
  /** Settles when nothing will be signed any more: with an error when it had to end. The process has to start anew then. */
  ended: Promise<void>;
}> &
  AsyncDisposable;

export type SequencerParts = Readonly<{
  source: string;
  /** A checkpoint is published at most so often. */
  intervalMs: number;
}>;

export type SequencerDeps = ReconcileDeps &
  Readonly<{
    askSpace: AskSpace;
    /** Waits; an abort ends the waiting early, without an error. */
    wait: (ms: number, signal: AbortSignal) => Promise<void>;
    onPublished: (published: PublishedNote) => void;
    /** Hears when signing stops for the time being, with the reason, and when it goes on: null. */
    onHoldup: (reason: string | null) => void;
    signal: AbortSignal;
  }>;

/** Our two lines, and a cosignature of each of as many witnesses as C2SP signed-note has readers accept. */
export const MAX_SERVED_SIGNATURES = 2 + 16;

/**
 * Puts a log in order and keeps it covered by signed checkpoints until the signal aborts or it is disposed of.
 * Throws `log.forked`, `log.broken` or `signing.refused` where the log must not go on. Whatever goes wrong later
 * ends the sequencer: nothing is ever tried again in place, because what a failed write has left behind only
 * shows when everything is read anew (docs/adr/0017).
 */
export async function startSequencer(
  { source, intervalMs }: SequencerParts,
  deps: SequencerDeps,
): Promise<Sequencer> {
  const { covered, unknown } = await reconcile(source, deps);
  await clearStaging(deps);
  const board = publishedBoard(await showAgain(covered, deps));
  const stop = new AbortController();
  const state: State = {
    covered,
    intervalMs,
    unknown,
    holdup: null,
    broken: false,
    board,
    inTurn: oneAtATime(),
  };
  const ended = run(state, { ...deps, signal: AbortSignal.any([deps.signal, stop.signal]) }).then(
    () => board.end(stopped()),
    (error: unknown) => {
      board.end(error);
      throw error;
    },
  );
  ended.catch(() => undefined); // whoever awaits it hears of it
  return {
    source,
    published: board.published,
    covering: board.covering,
    addCosignatures: (of, lines) => state.inTurn(() => addCosignatures(of, lines, state, deps)),
    holdup: () => state.holdup,
    ended,
    [Symbol.asyncDispose]: async () => {
      stop.abort(stopped());
      await ended.catch(() => undefined);
    },
  };
}

type State = {
  readonly covered: Covered;
  readonly intervalMs: number;
  /** Why it is not known what the world knows; null once it is. */
  unknown: string | null;
  holdup: string | null;
  /** A checkpoint was begun and not brought to its end: what lies on the disks is not known here any more. */
  broken: boolean;
  readonly board: PublishedBoard;
  /** What writes the served checkpoint goes one after the other. */
  readonly inTurn: <T>(task: () => Promise<T>) => Promise<T>;
};

/** Covers new events, at most once an interval, as soon as there are some. */
async function run(state: State, deps: SequencerDeps): Promise<void> {
  const { signal, wait, events } = deps;
  while (!signal.aborted) {
    const reason = await reasonToWait(state, deps);
    if (reason !== state.holdup) deps.onHoldup(reason);
    state.holdup = reason;
    if (reason === null && (await hasMore(state.covered.head.size, events, signal)))
      await state.inTurn(() => coverAndShow(state, deps));
    await wait(state.intervalMs, signal);
  }
}

async function coverAndShow(state: State, deps: SequencerDeps): Promise<void> {
  state.broken = true;
  const covered = await coverEvents(state.covered, deps);
  state.broken = false;
  if (!covered) return;
  const { size, root, note } = state.covered.locked;
  const published = { size, root, note: Buffer.from(note, 'utf8') };
  state.board.show(published);
  deps.onPublished(published);
}

/**
 * What keeps this log from being signed for now, and passes without anybody's restarting it; else null. The clock is
 * among it: it steps back by itself, and what was signed is kept apart from it.
 */
async function reasonToWait(state: State, deps: SequencerDeps): Promise<string | null> {
  const { covered } = state;
  if (state.unknown !== null) state.unknown = await askAgain(covered, deps);
  if (state.unknown !== null)
    return `what chain and witnesses know of this log is not known: ${state.unknown}`;
  if (deps.now() < covered.locked.time)
    return `the clock is behind ${covered.locked.time}, when the last checkpoint was signed: set it; where it is right now, stop the validator and run \`eirel log repair\``;
  const space = await deps.askSpace();
  return judgeSpace(space) === 'nothing-signed'
    ? `the disk is full: ${describeSpace(space)}`
    : null;
}

/** Waits for an event behind the first `size`; false when the signal came first. */
async function hasMore(
  size: number,
  events: Pick<StoredEvents, 'follow'>,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const payloads of events.follow(size, signal)) return payloads.length > 0;
  return false;
}

async function addCosignatures(
  of: SizedRoot,
  lines: readonly NoteSignature[],
  { board, broken }: State,
  { files, onPublished }: SequencerDeps,
): Promise<boolean> {
  const served = board.published();
  if (broken || served?.size !== of.size || served.root !== of.root) return false;
  const note = addLines(served.note, lines, MAX_SERVED_SIGNATURES);
  if (note.length === served.note.length) return true;
  await files.publishCheckpoint(note);
  const published = { ...served, note };
  board.show(published);
  onPublished(published);
  return true;
}

/**
 * What is served now: the note that was signed last, with the cosignatures that it has. A process that was
 * killed may have renamed it and not synced its folder, and a power cut would take it back: it is synced before
 * anybody is told of it.
 */
async function showAgain(
  { locked: { size, root } }: Covered,
  { files }: SequencerDeps,
): Promise<PublishedNote | null> {
  const note = await files.read(CHECKPOINT_PATH);
  if (note === null) return null;
  await files.syncCheckpoint();
  return { size, root, note };
}

/** What was staged and never signed, or was published long ago. */
async function clearStaging({ files }: SequencerDeps): Promise<void> {
  for (const name of await files.staged()) await files.unstage(name);
}

function stopped(): AppError {
  return new AppError('log.unavailable', { found: 'a sequencer that was stopped' });
}
