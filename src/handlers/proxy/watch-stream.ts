import { AppError } from '../../errors.ts';

/** How a stream ended: `whole` when its provider said so. `tail` is the last of its text. */
export type StreamEnd = Readonly<{ whole: boolean; tail: string; error: string }>;

/** The figures of a call are in its stream's last event or the one before, which are short. */
const TAIL_BYTES = 16_384;

/** What of a stream waits for a reader that is slower than the provider: then it is dropped, and the reader with it. */
const MAX_WAITING_BYTES = 4 * 1_024 * 1_024;

/** What comes after the end of a stream is nothing: the line's end, and not more of anything else. */
const MAX_END_BYTES = 16_384;

const DONE = 'data: [DONE]';

/** At the beginning of a line: no JSON has a line's end in it. */
const DONE_LINE = Buffer.from(`\n${DONE}`);

/**
 * Reads a stream of server-sent events to its end, whether its reader takes it or leaves, and yields its parts as they
 * come; what says that it is whole once `ended` gave true. Throws `provider.failed` where it gave false, and where the stream broke off.
 */
export function watchStream(
  parts: AsyncIterable<Uint8Array>,
  ended: (end: StreamEnd) => Promise<boolean>,
): AsyncGenerator<Uint8Array, void> {
  const pipe = openPipe();
  const reading = readAll(parts, pipe.push, ended);
  reading.then(pipe.end, pipe.fail);
  return pipe.parts();
}

async function readAll(
  parts: AsyncIterable<Uint8Array>,
  push: (part: Uint8Array) => void,
  ended: (end: StreamEnd) => Promise<boolean>,
): Promise<void> {
  let tail = Buffer.alloc(0);
  let held = Buffer.alloc(0);
  let error = '';
  try {
    for await (const part of parts) {
      const read = Buffer.concat([held, part]);
      const free = read.length - heldBack(read);
      const known = read.subarray(held.length, free + MAX_END_BYTES);
      tail = Buffer.concat([tail, known]).subarray(-TAIL_BYTES - MAX_END_BYTES);
      if (free > 0) push(read.subarray(0, free));
      held = read.subarray(free, free + MAX_END_BYTES);
      if (held.length === MAX_END_BYTES) break;
    }
  } catch (cause) {
    error = cause instanceof Error ? cause.message : String(cause);
  }
  const text = tail.toString('utf8');
  const whole = error === '' && text.includes(DONE);
  const taken = await ended({ whole, tail: text, error: error || 'the stream broke off' });
  if (!taken) throw new AppError('provider.failed', { found: 'what the call cost was not taken' });
  if (held.length > 0) push(held);
  if (!whole) throw new AppError('provider.failed', { found: error || 'the stream broke off' });
}

/** How many bytes at the end are, or may become, what ends the stream. */
function heldBack(read: Buffer): number {
  const at = read.indexOf(DONE_LINE);
  if (at >= 0) return read.length - at;
  for (let count = Math.min(DONE_LINE.length - 1, read.length); count > 0; count--)
    if (read.subarray(-count).equals(DONE_LINE.subarray(0, count))) return count;
  return 0;
}

/** The JSON of the last event that has any, `[DONE]` aside; null where none is whole. */
export function lastDataOf(tail: string): unknown {
  const lines = tail
    .split('\n')
    .filter((line) => line.startsWith('data:') && !line.startsWith(DONE));
  for (const line of lines.toReversed()) {
    try {
      const json: unknown = JSON.parse(line.slice('data:'.length));
      if (typeof json === 'object' && json !== null && 'usage' in json && json.usage !== null)
        return json;
    } catch {
      // The tail may begin in the middle of an event.
    }
  }
  return null;
}

/** A queue of parts with a bound: one side never waits, the other waits for it. */
function openPipe() {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let over = false;
  let failure: Readonly<{ cause: unknown }> | null = null;
  let wake: () => void = () => undefined;
  const told = (): void => {
    wake();
    wake = () => undefined;
  };
  return {
    push: (part: Uint8Array): void => {
      if (over) return;
      bytes += part.length;
      waiting.push(part);
      if (bytes > MAX_WAITING_BYTES) {
        waiting.length = 0;
        failure = {
          cause: new AppError('provider.failed', { found: 'a reader too slow for the stream' }),
        };
        over = true;
      }
      told();
    },
    end: (): void => {
      over = true;
      told();
    },
    fail: (cause: unknown): void => {
      failure ??= { cause };
      over = true;
      told();
    },
    async *parts(): AsyncGenerator<Uint8Array, void> {
      for (;;) {
        const part = waiting.shift();
        if (part !== undefined) {
          bytes -= part.length;
          yield part;
        } else if (over) break;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      if (failure !== null) throw failure.cause;
    },
  };
}
