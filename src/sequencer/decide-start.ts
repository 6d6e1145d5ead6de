import type { Locked } from './lock.ts';
import type { SizedRoot } from './sized-root.ts';

/** What lies on the disks of this machine, and what the world knows, when a log's sequencer starts. */
export type StartFacts = Readonly<{
  lock: Locked | null;
  /** The published checkpoint; `unreadable` where there is one that this log's keys did not sign. */
  published: SizedRoot | 'none' | 'unreadable';
  /** Whether every file that the published checkpoint needs lies there and proves it; `file` is the first that does not. */
  tiles: Readonly<{ kind: 'whole' }> | Readonly<{ kind: 'missing' | 'damaged'; file: string }>;
  /** A staging that leads from what is published to the lock, and verifies. */
  staged: boolean;
  /** `root` is that of its first events, as many as the lock has; null where it is shorter. */
  stream: Readonly<{ size: number; root: string | null }>;
  /** The first event that is not the same in stream and published files; null where they agree as far as both go. */
  differsAt: number | null;
  /** What others keep of this log; `here` is the root that it has here at that size, null where it can't be told. */
  known: readonly Readonly<{ by: string; size: number; root: string; here: string | null }>[];
  /** Why the chain's anchor is not known; null when it is, and among `known` if there is one. */
  anchorUnknown: string | null;
  /** The generation of this log that the chain's anchor is of, when that is a later one; else null. */
  laterGeneration: number | null;
}>;

/** What to do before the log goes on: one thing at a time, after which the facts are looked at again. */
export type StartDecision =
  /** Everything agrees; `gap` events wait to be covered. */
  | Readonly<{ kind: 'go-on'; gap: number }>
  /** Everything here agrees, but whether the world knows more has to be known before anything is signed. */
  | Readonly<{ kind: 'wait'; detail: string }>
  /** What was signed last is staged and not published yet. */
  | Readonly<{ kind: 'replay-staging' }>
  /** Published files are missing, and the stream holds all that was signed. */
  | Readonly<{ kind: 'publish-from-stream' }>
  /** The stream lost its end, and the published files have it. */
  | Readonly<{ kind: 'refill-stream'; from: number }>
  /** The stream holds something else than was signed, and the published files have it all: `eirel log repair`. */
  | Readonly<{ kind: 'rebuild-stream'; index: number }>
  | Refusal;

export type Refusal = Readonly<{
  kind: 'refuse';
  reason:
    | 'not-begun' // no signed checkpoint is locked here
    | 'unreadable' // a published checkpoint that this log's keys did not sign
    | 'lock-behind' // something newer than the lock is published, anchored or witnessed
    | 'forked' // two roots for one size
    | 'damaged' // published files hold other bytes than was signed
    | 'lost'; // neither stream nor files hold all that was signed
  found: string;
  expected: string;
  next: string;
}>;

/**
 * Whether a log may go on. Nothing is signed while this machine knows less than the world does, and what was
 * signed once is never signed otherwise: where the disks do not hold it any more, only what proves to be the same
 * bytes is put back (docs/adr/0017).
 */
export function decideStart(facts: StartFacts): StartDecision {
  const { lock, published, stream, tiles } = facts;
  if (lock === null) return notBegun();
  const refusal = refusalOf(facts, lock);
  if (refusal !== null) return refusal;
  const streamGood = stream.size >= lock.size && stream.root === lock.root;
  const publishedSize = published === 'none' || published === 'unreadable' ? 0 : published.size;
  const tilesGood = tiles.kind === 'whole' && publishedSize === lock.size;

  if (streamGood && tilesGood) return goOn(facts, stream.size - lock.size);
  if (facts.staged && !tilesGood) return { kind: 'replay-staging' };
  if (streamGood)
    return tiles.kind === 'damaged' ? damaged(tiles.file) : { kind: 'publish-from-stream' };
  if (!tilesGood) return lost(facts, lock);
  if (facts.differsAt === null) return { kind: 'refill-stream', from: stream.size };
  return { kind: 'rebuild-stream', index: facts.differsAt };
}

/** What no recovery on this machine can mend. */
function refusalOf(facts: StartFacts, lock: Locked): Refusal | null {
  const { published, laterGeneration } = facts;
  if (laterGeneration !== null) return givenUp(laterGeneration);
  if (published === 'unreadable') return unreadable();
  const others = [
    ...(published === 'none' ? [] : [{ by: 'its published files', ...published, here: null }]),
    ...facts.known,
  ];
  for (const { by, size, root, here } of others) {
    const ours = size === lock.size ? lock.root : here;
    if (size > lock.size) return lockBehind(by, size, lock.size);
    if (ours !== null && ours !== root) return forked(by, { size, root }, ours);
  }
  return null;
}

function goOn({ anchorUnknown }: StartFacts, gap: number): StartDecision {
  return anchorUnknown === null ? { kind: 'go-on', gap } : { kind: 'wait', detail: anchorUnknown };
}

const REPAIR = 'run `eirel log repair`';
const OLD_COPY =
  'this is an old copy of the validator: run the newest one; where none is left, `eirel log repair --from` a mirror, or `eirel log retire`';

function refuse(reason: Refusal['reason'], found: string, expected: string, next: string): Refusal {
  return { kind: 'refuse', reason, found, expected, next };
}

function notBegun(): Refusal {
  const next =
    'bring back EIREL_SIGNING_DIR; where it is lost, `eirel log retire`; a new validator begins with `eirel log init`';
  return refuse(
    'not-begun',
    'no checkpoint that was signed here',
    'the last one in EIREL_SIGNING_DIR',
    next,
  );
}

function unreadable(): Refusal {
  const expected = "a checkpoint of this log, signed by this validator's keys";
  return refuse(
    'unreadable',
    'another published checkpoint',
    expected,
    'check EIREL_DATA_DIR and EIREL_SIGNING_DIR: they belong together; where they are the right ones, `eirel log repair` writes the checkpoint again',
  );
}

function lockBehind(by: string, size: number, locked: number): Refusal {
  return refuse(
    'lock-behind',
    `size ${locked} as the last that was signed here`,
    `at least ${size}, which ${by} has`,
    OLD_COPY,
  );
}

function givenUp(generation: number): Refusal {
  return refuse(
    'lock-behind',
    'an earlier generation',
    `generation ${generation}, which is anchored on chain`,
    OLD_COPY,
  );
}

function forked(by: string, { size, root }: SizedRoot, here: string): Refusal {
  return refuse(
    'forked',
    `root ${here} at size ${size}`,
    `root ${root}, which ${by} has`,
    OLD_COPY,
  );
}

function damaged(file: string): Refusal {
  return refuse('damaged', `other bytes in ${file}`, 'what was signed', REPAIR);
}

function lost({ published, stream }: StartFacts, lock: Locked): Refusal {
  const size = typeof published === 'string' ? 0 : published.size;
  const found = `${stream.size} events in the stream, ${size} in the published files, and not all as they were signed`;
  const next = `${REPAIR} --from a mirror; where nobody has a copy of the log, \`eirel log retire\``;
  return refuse('lost', found, `the ${lock.size} events that were signed`, next);
}
