import { once } from 'node:events';
import { type Input, type Io, JSON_OPTION, type Option } from './command.ts';
import { EXIT } from './exit-codes.ts';

/** A process that serves until it is told to stop. `ended` settles when it ends by itself: with an error when it had to. */
export type LongRunning = Readonly<{ url: string; ended?: Promise<void> }> & AsyncDisposable;

/** The options of every command that serves. */
export const SERVING_OPTIONS: Readonly<Record<string, Option>> = {
  json: JSON_OPTION,
  'until-stdin-ends': {
    type: 'boolean',
    help: 'stop when standard input ends: for whoever starts it as a child',
  },
};

/**
 * Starts something, prints where it serves in one line, and waits until it is told to stop or ends. A stop during the
 * start is an end in order.
 */
export async function runUntilStopped<T extends LongRunning>(
  start: (signal: AbortSignal) => Promise<T>,
  { input, io, tell }: Readonly<{ input: Input; io: Io; tell: (running: T) => Told }>,
): Promise<number> {
  using parent = input.flag('until-stdin-ends') ? stdinEnds() : null;
  const signal = parent === null ? io.signal : AbortSignal.any([io.signal, parent.signal]);
  const started = await unlessStopped(start(signal), signal);
  if (started === null) return EXIT.ok;
  await using running = started;
  const { json, text } = tell(running);
  io.out(input.flag('json') ? `${JSON.stringify(json)}\n` : `${text}\n`);
  const aborted = signal.aborted ? Promise.resolve() : once(signal, 'abort').then(() => undefined);
  await Promise.race(running.ended === undefined ? [aborted] : [running.ended, aborted]);
  return EXIT.ok;
}

/** What is printed of it: one JSON document, or a line for people. */
type Told = Readonly<{ json: object; text: string }>;

/** What comes of the work; null where it ended because it was told to stop. */
async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (signal.aborted && error === signal.reason) return null;
    throw error;
  }
}

/** Aborts when standard input ends, which the system sees to when the parent is gone, however it went. */
function stdinEnds(): { signal: AbortSignal } & Disposable {
  const gone = new AbortController();
  const stop = (): void => gone.abort(new Error('standard input ended'));
  process.stdin.once('end', stop).once('error', stop).resume();
  return { signal: gone.signal, [Symbol.dispose]: () => process.stdin.destroy() };
}
