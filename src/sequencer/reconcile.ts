import { AppError } from '../errors.ts';
import { parseOrigin } from '../merkle/checkpoint.ts';
import { type CoverDeps, type Covered, publishStaged } from './cover-events.ts';
import { decideStart, type Refusal, type StartDecision, type StartFacts } from './decide-start.ts';
import type { AskOutside, Outside } from './outside.ts';
import { publishFromStream } from './publish-from-stream.ts';
import { rootAt } from './published-tiles.ts';
import { refillStream } from './refill-stream.ts';
import { type Survey, surveyLog } from './survey.ts';

export type ReconcileDeps = CoverDeps &
  Readonly<{
    askOutside: AskOutside;
    /** Hears of each thing that is put right, before it is. */
    onDecision: (decision: StartDecision) => void;
  }>;

/** A log that agrees with itself. It may be signed for once `unknown` is null. */
export type Reconciled = Readonly<{
  covered: Covered;
  /** Why it is not known whether the world knows more of this log than lies here; null when it is. */
  unknown: string | null;
}>;

/** Each decision that changes something makes the next one another: files, then stream, and what a crash left of both. */
const MAX_DECISIONS = 8;

/**
 * Compares stream, lock, published files, chain and witnesses, and puts right what can be put right without
 * signing anything: decides, does one thing, and looks again. Throws `log.forked` or `log.broken` where the log must not go on, with
 * what to do about it.
 */
export async function reconcile(source: string, deps: ReconcileDeps): Promise<Reconciled> {
  const outside = await deps.askOutside();
  for (let decisions = 0; decisions < MAX_DECISIONS; decisions++) {
    const { facts, survey } = await gatherFacts(source, outside, deps);
    const decision = decideStart(facts);
    deps.onDecision(decision);
    if (decision.kind === 'refuse' || survey === null) throw refused(decision);
    if (decision.kind === 'go-on') return { covered: survey.covered, unknown: null };
    if (decision.kind === 'wait') return { covered: survey.covered, unknown: decision.detail };
    await perform(decision, survey, deps);
  }
  throw new AppError('log.broken', {
    source,
    found: 'disks that do not keep what is put right on them',
    next: 'check the disks of EIREL_DATA_DIR and of the nats-server',
  });
}

/**
 * The facts about a log, all of its events hashed anew, and the survey that they come from: null where no
 * checkpoint of it is locked. Changes nothing.
 */
export async function gatherFacts(
  source: string,
  outside: Outside,
  deps: CoverDeps,
): Promise<Readonly<{ facts: StartFacts; survey: Survey | null }>> {
  const lock = await deps.lock.read(source);
  if (lock === null)
    return { facts: { ...NOTHING_HERE, ...anchorFacts(source, outside), lock }, survey: null };
  const survey = await surveyLog(lock, deps);
  const { published, tiles, stream, differsAt } = survey;
  const staged = survey.staged !== null;
  const known = await knownOf(outside, survey, deps);
  const facts = {
    lock,
    published,
    tiles,
    staged,
    stream,
    differsAt,
    known,
    ...anchorFacts(source, outside),
  };
  return { facts, survey };
}

/**
 * Asks again what the world knows of a log that agrees with itself. Throws `log.forked` where that is more than
 * lies here, or something else.
 */
export async function askAgain(
  { locked }: Pick<Covered, 'locked'>,
  { askOutside, files }: Pick<ReconcileDeps, 'askOutside' | 'files'>,
): Promise<string | null> {
  const outside = await askOutside();
  const { source, size, root } = locked;
  const whole = { published: { size, root }, tiles: { kind: 'whole' } } as const;
  const decision = decideStart({
    lock: locked,
    ...whole,
    staged: false,
    stream: { size, root },
    differsAt: null,
    known: await knownOf(outside, whole, { files }),
    ...anchorFacts(source, outside),
  });
  if (decision.kind === 'go-on') return null;
  if (decision.kind === 'wait') return decision.detail;
  throw refused(decision);
}

const NOTHING_HERE = {
  published: 'none',
  tiles: { kind: 'whole' },
  staged: false,
  stream: { size: 0, root: null },
  differsAt: null,
  known: [],
} as const satisfies Partial<StartFacts>;

/** What the chain's anchor says of the generation of this log. */
function anchorFacts(
  source: string,
  { anchor }: Outside,
): Pick<StartFacts, 'anchorUnknown' | 'laterGeneration'> {
  if (!anchor.known) return { anchorUnknown: anchor.detail, laterGeneration: null };
  const generation = anchor.value?.generation ?? 0;
  const own = parseOrigin(source)?.generation ?? 0;
  return { anchorUnknown: null, laterGeneration: generation > own ? generation : null };
}

/** What others keep, each beside the root that whole published files give for that size. */
async function knownOf(
  { anchor, witnessed }: Outside,
  { published, tiles }: Pick<Survey, 'published' | 'tiles'>,
  { files }: Pick<CoverDeps, 'files'>,
): Promise<StartFacts['known']> {
  const anchored =
    anchor.known && anchor.value !== null ? [{ by: 'the chain', ...anchor.value }] : [];
  const filed = typeof published === 'string' || tiles.kind !== 'whole' ? 0 : published.size;
  return Promise.all(
    [...anchored, ...witnessed].map(async ({ by, size, root }) => {
      const here = size <= filed ? await rootAt(files, filed, size) : null;
      return { by, size, root, here };
    }),
  );
}

async function perform(
  decision: Exclude<StartDecision, { kind: 'go-on' | 'wait' | 'refuse' }>,
  { covered, staged, stream }: Survey,
  deps: CoverDeps,
): Promise<void> {
  const { locked } = covered;
  switch (decision.kind) {
    case 'replay-staging':
      return publishStaged(deps.files, staged ?? [], locked);
    case 'publish-from-stream':
      return publishFromStream(locked, deps);
    case 'refill-stream':
      return refillStream({ size: stream.size, hash: covered.head.hash }, locked.size, deps);
    case 'rebuild-stream':
      throw new AppError('log.broken', {
        index: decision.index,
        found: 'an event in the stream that is not the one that was signed',
        next: 'stop everything that uses this stream, then run `eirel log repair`: the published files hold the log',
      });
  }
}

/** Where the disks do not hold what was signed the log is broken; in every other case it may be another's too. */
function refused(decision: StartDecision): AppError {
  const { reason, found, expected, next } = decision as Refusal; // safe: callers have handled every other kind
  const code = reason === 'damaged' || reason === 'lost' ? 'log.broken' : 'log.forked';
  return new AppError(code, { reason, found, expected, next });
}
