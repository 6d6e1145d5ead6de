/**
 * What can go wrong, by area. The code is the contract: callers branch on it, `cli/exit-codes.ts`
 * turns it into an exit code, `http/problem.ts` into a status.
 */
export const ERROR_CODES = [
  'append.too-large', // one append holds more events than one atomic batch can
  'audit.failed', // a log, run, bundle or figure that is not what it claims to be
  'blob.damaged', // a kept document whose bytes are not those of its digest any more: fetch it again
  'blob.too-large', // a document beyond the size that its kind may have
  'chain.refused', // the chain, or a rule of it checked beforehand, does not take a call
  'chain.unavailable', // the chain gives no usable answer
  'checkpoint.invalid', // a signed note, checkpoint, tile, proof or policy that is malformed or does not verify
  'command.refused', // the running validator refused an operator's command
  'config.invalid',
  'ej1.malformed', // bytes that are not canonical EJ1, or a value that has no EJ1 form
  'event.invalid', // a draft that its own schema refuses
  'evidence.invalid', // an evidence file that proves nothing
  'event.too-large', // an event over the leaf size limit
  'file.unreadable',
  'input.invalid', // operator's or client's input: field, value and expectation are in the details
  'key.invalid',
  'log.broken', // a hole, a reordered, altered or foreign event
  'log.conflict', // another writer with this identity is alive
  'log.forked', // what was signed, published, anchored or witnessed of this log is not what lies here: nothing may be signed
  'log.full', // the append queue is at its bound
  'log.not-empty', // an import needs an empty log
  'log.unavailable', // the log's server does not answer
  'nats-server.failed',
  'nats-server.missing',
  'projection.damaged', // a projection that does not belong to this log: rebuild it
  'projection.unknown',
  'provider.failed', // a provider of models did not answer as it should, or what it cost could not be recorded
  'request.conflict', // what is sent contradicts what is there
  'request.forbidden', // whoever asks showed who he is, and may not do what he asks
  'request.invalid', // what is sent to a service is not of its form: the field is in the details
  'request.not-found',
  'request.too-early', // sealed until a block
  'request.too-many', // more than a client may send
  'request.unauthorized', // whoever asks did not show that he may
  'sandbox.unavailable', // this machine can't isolate programs, or not any more
  'signing.refused', // something else was signed in this place already
  'stream.drift', // a live stream configuration differs from streams/*.json
  'subnet.failed',
  'usage.invalid',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** The one error class. Callers branch on `code`; `details` name field, value, expectation and what to do next. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(describe(code, details), options);
    this.code = code;
    this.details = details;
  }
}

/** True for an `AppError` of the given code. */
export function isAppError(error: unknown, code: ErrorCode): error is AppError {
  return error instanceof AppError && error.code === code;
}

/** True for what the operating system answered with that code, such as `ENOENT`. */
export function isSystemError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function describe(code: ErrorCode, details: Record<string, unknown>): string {
  const parts = Object.entries(details).map(([key, value]) => `${key}: ${format(value)}`);
  return parts.length === 0 ? code : `${code}: ${parts.join(', ')}`;
}

function format(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value, speakable) ?? String(value));
}

/** What JSON has no form for, or would leave out, is written all the same. */
function speakable(_key: string, value: unknown): unknown {
  if (value === undefined) return 'nothing';
  return typeof value === 'bigint' ? value.toString() : value;
}
