import { AppError } from '../errors.ts';
import { EMPTY, readEvent } from '../events/decode.ts';
import { decode } from '../events/ej1.ts';
import { LogStart } from '../events/log-started.ts';
import type { StoredEvents } from './stored-events.ts';

/**
 * What the first event of a log says of it; null while the log holds none. Throws `log.broken` when its first
 * event is something else.
 */
export async function readStart(
  events: Pick<StoredEvents, 'fetch' | 'source'>,
): Promise<LogStart | null> {
  const [payload] = await events.fetch(0, 1);
  return payload === undefined ? null : startIn(payload, events.source);
}

/** What the payload of a first event says. Throws `log.broken` when it is something else. */
function startIn(payload: Uint8Array, source: string): LogStart {
  const { event } = readEvent(payload, source, EMPTY);
  if (event.type !== 'log.started.v1') throw noStart(event.type);
  const parsed = LogStart.safeParse(bodyOf(event.data.body));
  if (!parsed.success || parsed.data.source !== source)
    throw noStart('a statement about something else');
  return parsed.data;
}

function bodyOf(body: string): unknown {
  try {
    return decode(body);
  } catch (cause) {
    throw new AppError(
      'log.broken',
      { index: 0, found: 'a start that is not canonical' },
      { cause },
    );
  }
}

function noStart(found: string): AppError {
  return new AppError('log.broken', { index: 0, found, expected: 'log.started of this log' });
}
