import { AppError, type ErrorCode } from '../errors.ts';

/** What the exit code of `eirel` says; also documented in docs/operating.md. */
export const EXIT = {
  ok: 0,
  failed: 1, // a fault of ours, or of the machine: see the message and the log lines
  usage: 2, // the command line
  refused: 3, // input that is wrong, in whole or in part (what was right went in), or that the chain does not take
  mismatch: 4, // a check failed: a broken log, a drifted stream, a decision that does not recompute
  unavailable: 5, // a server or the chain does not answer
  conflict: 6, // another process writes this log, or has signed what this one must not sign again
  config: 78, // the configuration (EX_CONFIG)
} as const;

const codes: Readonly<Record<ErrorCode, number>> = {
  'append.too-large': EXIT.refused,
  'audit.failed': EXIT.mismatch,
  'blob.damaged': EXIT.mismatch,
  'blob.too-large': EXIT.refused,
  'chain.refused': EXIT.refused,
  'chain.unavailable': EXIT.unavailable,
  'checkpoint.invalid': EXIT.mismatch,
  'command.refused': EXIT.refused,
  'config.invalid': EXIT.config,
  'ej1.malformed': EXIT.refused,
  'event.invalid': EXIT.refused,
  'evidence.invalid': EXIT.mismatch,
  'event.too-large': EXIT.refused,
  'file.unreadable': EXIT.refused,
  'input.invalid': EXIT.refused,
  'key.invalid': EXIT.config,
  'log.broken': EXIT.mismatch,
  'log.conflict': EXIT.conflict,
  'log.forked': EXIT.conflict,
  'log.full': EXIT.unavailable,
  'log.not-empty': EXIT.refused,
  'log.unavailable': EXIT.unavailable,
  'nats-server.failed': EXIT.unavailable,
  'nats-server.missing': EXIT.unavailable,
  'projection.damaged': EXIT.mismatch,
  'projection.unknown': EXIT.usage,
  'provider.failed': EXIT.unavailable,
  'request.conflict': EXIT.refused,
  'request.forbidden': EXIT.refused,
  'request.invalid': EXIT.refused,
  'request.not-found': EXIT.refused,
  'request.too-early': EXIT.unavailable,
  'request.too-many': EXIT.unavailable,
  'request.unauthorized': EXIT.refused,
  'sandbox.unavailable': EXIT.unavailable,
  'signing.refused': EXIT.conflict,
  'stream.drift': EXIT.mismatch,
  'subnet.failed': EXIT.failed,
  'usage.invalid': EXIT.usage,
};

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError ? codes[error.code] : EXIT.failed;
}
