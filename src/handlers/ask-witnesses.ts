import { AppError } from '../errors.ts';
import type { NoteSignature } from '../merkle/signed-note.ts';
import type { PublishedNote } from '../sequencer/published-board.ts';
import type { SizedRoot } from '../sequencer/sized-root.ts';
import { type AskEachDeps, askEach, type Peer } from './ask-peers.ts';
import {
  type KnownWitness,
  type OwnFork,
  type OwnLog,
  type PushDeps,
  type PushOutcome,
  pushCheckpoint,
} from './push-checkpoint.ts';

export type WitnessingDeps = AskEachDeps &
  PushDeps &
  Readonly<{
    /** The voters that can be asked, ourselves left out. */
    peers: () => Promise<readonly Peer[]>;
    /** Adds verified lines to the checkpoint that is served, unless it was replaced meanwhile. */
    addCosignatures: (of: SizedRoot, lines: readonly NoteSignature[]) => Promise<boolean>;
    /** Told what became of each request, for operators: null for a cosignature. */
    onAnswer: (hotkey: string, refusal: string | null) => void;
  }>;

/** What is remembered of a peer, in this process alone. */
type Witness = KnownWitness & {
  axon: string;
  /** Requests in a row that gave no cosignature. */
  failures: number;
  /** Rounds in which it is not asked. */
  skip: number;
};

/** A peer that gives no cosignature is asked after 1, 2, 4 … rounds, and at last after so many. */
const MAX_SKIPPED_ROUNDS = 64;

/** Remembered peers: those of the largest subnet. Who is forgotten is asked from nothing again. */
const MAX_WITNESSES = 256;

/**
 * Asks the peers to cosign the newest published checkpoint, each at most once a round, and shows their
 * cosignatures with it. Nothing waits for them: a log goes on without witnesses. Only one thing that a
 * peer can say matters to what is signed: a checkpoint of this log, signed by this hotkey, that this
 * machine does not have. Then another one signs with the same key, or this one was restored, and the
 * round gives what was found: nothing may be signed any more.
 */
export function createWitnessing(log: OwnLog, deps: WitnessingDeps) {
  const witnesses = new Map<string, Witness>();
  return {
    /** The peers whose cosigning keys are known by now, each with what the paths of its witness begin with. */
    known: () =>
      [...witnesses].flatMap(([hotkey, { key, axon }]) =>
        key === null ? [] : [{ hotkey, key, url: `${axon}/witness` }],
      ),
    round: async (): Promise<OwnFork | null> => {
      const published = log.published();
      if (published === null) return null;
      const due = (await deps.peers()).filter((peer) => isDue(peer, published, witnesses));
      const outcomes = await askEach(
        due,
        async (peer, signal) => {
          const witness = witnesses.get(peer.hotkey) ?? newWitness(peer, witnesses);
          witness.axon = peer.axon;
          const outcome = await pushCheckpoint(
            peer,
            { witness, published, log },
            { ...deps, signal },
          );
          settle(witness, published, outcome);
          if (outcome.kind !== 'forked')
            deps.onAnswer(peer.hotkey, outcome.kind === 'cosigned' ? null : outcome.detail);
          return outcome;
        },
        deps,
      );
      const lines = outcomes.flatMap((each) => (each.kind === 'cosigned' ? [each.line] : []));
      if (lines.length > 0) await deps.addCosignatures(published, lines);
      return outcomes.find((each) => each.kind === 'forked')?.fork ?? null;
    },
  };
}

/** Checkpoints are published every second or so; witnesses are asked for one in a few of them. */
const ROUND_MS = 3_000;

/** Makes round after round until the signal aborts. Throws `log.forked` when one shows that the log forked. */
export async function keepWitnessed(
  { round }: Pick<ReturnType<typeof createWitnessing>, 'round'>,
  {
    wait,
    signal,
    onFailure,
  }: Readonly<{
    wait: (ms: number) => Promise<void>;
    signal: AbortSignal;
    /** Hears of a round that failed; the next one is made all the same. */
    onFailure: (error: unknown) => void;
  }>,
): Promise<void> {
  while (!signal.aborted) {
    const fork = await round().catch((error: unknown) => {
      onFailure(error);
      return null;
    });
    if (fork !== null) throw forked(fork);
    await wait(ROUND_MS);
  }
}

function isDue(
  { hotkey }: Peer,
  { size }: PublishedNote,
  witnesses: ReadonlyMap<string, Witness>,
): boolean {
  const witness = witnesses.get(hotkey);
  if (witness === undefined) return true;
  if (witness.skip > 0) witness.skip -= 1;
  else return witness.size < size;
  return false;
}

function newWitness({ hotkey, axon }: Peer, witnesses: Map<string, Witness>): Witness {
  const oldest = witnesses.keys().next();
  if (witnesses.size >= MAX_WITNESSES && oldest.done !== true) witnesses.delete(oldest.value);
  const witness = { axon, size: 0, failures: 0, skip: 0, key: null };
  witnesses.set(hotkey, witness);
  return witness;
}

function settle(witness: Witness, { size }: PublishedNote, outcome: PushOutcome): void {
  if (outcome.kind === 'cosigned') {
    witness.size = size;
    witness.failures = 0;
    return;
  }
  if (outcome.kind === 'unanswered' && outcome.size !== null) witness.size = outcome.size;
  witness.skip = Math.min(MAX_SKIPPED_ROUNDS, 2 ** witness.failures);
  witness.failures += 1;
}

function forked({ witness, found, expected }: OwnFork): AppError {
  return new AppError('log.forked', {
    witness,
    found,
    expected,
    next: 'stop every other process with this hotkey, and see `eirel log status`',
  });
}
