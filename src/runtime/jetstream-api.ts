import type { Msg } from 'nats';
import { z } from 'zod';
import { AppError } from '../errors.ts';

/** Error codes of JetStream that we tell apart; what they say in words is the server's own affair. */
export const JetStreamCode = {
  streamNotFound: 10_059,
  messageNotFound: 10_037,
  wrongLastSequence: 10_071,
  /** As the above, from a server that found it out while the batch was staged. */
  wrongLastSequenceInBatch: 10_164,
} as const;

/** The status line of a message without a payload. */
export const Status = { endOfBatch: 204, notFound: 404, noResponders: 503 } as const;

const ApiError = z.object({ code: z.int(), err_code: z.int(), description: z.string() });
/** A refused publish is also answered with a stream and a sequence, so the error is looked for first. */
const MaybeRefused = z.object({ error: ApiError.optional() });

export type ApiAnswer<T> = { ok: T } | { error: z.infer<typeof ApiError> };

/** Parses an answer of the JetStream API, or a publish acknowledgement. Throws `log.unavailable` if it is neither. */
export function parseAnswer<T>(message: Msg, schema: z.ZodType<T>, about: string): ApiAnswer<T> {
  const status = statusOf(message);
  if (status !== 0) throw unexpected(about, `status ${status}`, message.headers?.description);
  let json: unknown;
  try {
    json = message.json();
  } catch (cause) {
    throw new AppError('log.unavailable', { about, found: 'an answer without JSON' }, { cause });
  }
  const error = MaybeRefused.safeParse(json).data?.error;
  if (error !== undefined) return { error };
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw unexpected(about, 'another answer', z.prettifyError(parsed.error));
  return { ok: parsed.data };
}

/** The status code of a message without payload; 0 for any other message, an empty event among them. */
export function statusOf(message: Msg): number {
  return message.data.length > 0 ? 0 : (message.headers?.code ?? 0);
}

/** The server answered, but not as expected: whether it did what was asked is unknown. */
export function refused(
  about: string,
  { err_code, description }: z.infer<typeof ApiError>,
): AppError {
  if (err_code === JetStreamCode.streamNotFound)
    return new AppError('log.unavailable', {
      about,
      found: 'no such stream',
      next: 'run `eirel streams apply`, as the admin of this account',
    });
  return unexpected(about, `JetStream error ${err_code}`, description);
}

function unexpected(about: string, found: string, description: string | undefined): AppError {
  return new AppError('log.unavailable', { about, found, description });
}
