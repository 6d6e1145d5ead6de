import { AppError, isAppError } from '../errors.ts';
import type { Head } from '../events/envelope.ts';
import type { LogReader, ReadBatch } from '../events/log.ts';
import type { Projection } from './projection.ts';

/** Projections that follow a log. */
export type Pump = Readonly<{
  /**
   * Resolves when every projection has applied that many events. Rejects when the pump ends below:
   * with what stopped it, or with the signal's reason.
   */
  reached: (size: number) => Promise<void>;
  /** Rejects with what stopped the pump; otherwise never settles. */
  failed: Promise<never>;
  /** Resolves when nothing is read or written any more, for whatever reason: the projections can be closed. */
  ended: Promise<void>;
}>;

/** Starts to feed the projections, as `feed` does, and tells how far they are. */
export function runProjections(
  log: LogReader,
  projections: readonly Projection[],
  options: Readonly<{ signal: AbortSignal; follow: boolean }>,
): Pump {
  const milestones = makeMilestones(() => smallest(projections).size);
  const feeding = feed(log, projections, { ...options, onApplied: milestones.pass });
  const failed = feeding.then(() => new Promise<never>(() => undefined));
  // A failure also reaches `reached` and the log's owner; listening to `failed` is not a duty.
  failed.catch(() => undefined);
  const end = (): void => milestones.end(options.signal.aborted ? options.signal.reason : tooFar());
  return { reached: milestones.reached, failed, ended: feeding.then(end, milestones.end) };
}

/**
 * Feeds all projections from one reading of the log, which starts at the smallest checkpoint: each
 * event is fetched and verified once. While one batch is written, the next is fetched. Ends with the
 * log (unless it follows it) or on abort. Throws `projection.damaged` when the log contradicts a
 * checkpoint, `key.invalid` for a log that is read without its keys, and what reading or writing throws.
 */
export async function feed(
  log: LogReader,
  projections: readonly Projection[],
  options: Readonly<{ signal: AbortSignal; follow: boolean; onApplied: () => void }>,
): Promise<void> {
  const { signal, follow, onApplied } = options;
  const after = smallest(projections);
  compare(await log.head(), projections);
  const writeFailed = new AbortController();
  const stop = AbortSignal.any([signal, writeFailed.signal]);
  let writing = Promise.resolve();
  try {
    for await (const batch of log.read({ after, follow, signal: stop })) {
      await writing;
      refuseSealed(batch);
      writing = applyAll(projections, batch).then(onApplied);
      // A log that stays silent must not hide that the last write failed.
      writing.catch((cause: unknown) => writeFailed.abort(cause));
    }
  } catch (cause) {
    await writing;
    if (!signal.aborted) throw contradiction(cause, after);
  }
  await writing;
}

/** Without a sealed fact the rows would be wrong and look right: whoever projects has to have the keys. */
function refuseSealed({ events }: ReadBatch): void {
  const sealed = events.find(({ event }) => event.type === 'fact.sealed.v1');
  if (sealed === undefined) return;
  throw new AppError('key.invalid', {
    field: 'seal.key',
    value: `none that opens event ${sealed.n}`,
    expected: "the log's sealing secret",
    next: 'set EIREL_SIGNING_DIR to the folder that holds it',
  });
}

/** All of them to the end, so that nothing is being written when the first fault is reported. */
async function applyAll(projections: readonly Projection[], batch: ReadBatch): Promise<void> {
  const results = await Promise.allSettled(projections.map(({ apply }) => apply(batch)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function smallest(projections: readonly Projection[]): Head {
  const [first, ...others] = projections.map(({ head }) => head);
  if (first === undefined) {
    throw new AppError('input.invalid', {
      field: 'projections',
      value: 'none',
      expected: 'at least one',
    });
  }
  return others.reduce((least, head) => (head.size < least.size ? head : least), first);
}

/** A log that was cut, restored or created anew: what the end of the log already tells. */
function compare(log: Head, projections: readonly Projection[]): void {
  for (const { name, head } of projections) {
    if (head.size < log.size || (head.size === log.size && head.hash === log.hash)) continue;
    throw new AppError('projection.damaged', {
      projection: name,
      found: `rows of ${head.size} events, the last with the hash ${head.hash}`,
      expected: `rows of this log, of ${log.size} events, the last with the hash ${log.hash}`,
      next: 'if this log is the right one, run `eirel rebuild`',
    });
  }
}

/** The event at the checkpoint is another, or gone: that speaks against the rows as much as against the log. */
function contradiction(cause: unknown, { size, hash }: Head): unknown {
  if (size === 0 || !isAppError(cause, 'log.broken')) return cause;
  const { index } = cause.details;
  if (typeof index !== 'number' || index >= size) return cause;
  const next =
    'run `eirel rebuild`: it reads the log from its start and tells which of them is wrong';
  return new AppError('projection.damaged', { size, hash, found: cause.message, next }, { cause });
}

function tooFar(): AppError {
  return new AppError('input.invalid', {
    field: 'size',
    expected: 'at most the size of the log that was read',
  });
}

type Milestones = Readonly<{
  reached: (size: number) => Promise<void>;
  pass: () => void;
  end: (reason: unknown) => void;
}>;

function makeMilestones(position: () => number): Milestones {
  const waiting = new Set<PromiseWithResolvers<void> & { size: number }>();
  let ended: { reason: unknown } | null = null;
  const pass = (): void => {
    for (const waiter of waiting) {
      if (waiter.size <= position()) waiter.resolve();
      else if (ended !== null) waiter.reject(ended.reason);
      else continue;
      waiting.delete(waiter);
    }
  };
  return {
    pass,
    reached: (size) => {
      const waiter = { size, ...Promise.withResolvers<void>() };
      waiting.add(waiter);
      pass();
      return waiter.promise;
    },
    end: (reason) => {
      ended = { reason };
      pass();
    },
  };
}
