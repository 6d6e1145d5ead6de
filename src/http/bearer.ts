import type { IncomingMessage } from 'node:http';
import { AppError } from '../errors.ts';
import { sameSecret } from '../evaluation/job.ts';

/** The credential that a request shows; null without one. */
export function bearerOf({ headers }: Pick<IncomingMessage, 'headers'>): string | null {
  return /^Bearer +([\x21-\x7e]{1,512}) *$/i.exec(headers.authorization ?? '')?.[1] ?? null;
}

/**
 * Passes only who shows the token. Throws `request.unauthorized`; how long it takes tells nothing of the token, and
 * the answer not whether one was shown.
 */
export function requireBearer(request: Pick<IncomingMessage, 'headers'>, token: string): void {
  const shown = bearerOf(request);
  if (token !== '' && shown !== null && sameSecret(shown, token)) return;
  throw new AppError('request.unauthorized', {
    detail: 'A bearer token of this service is needed.',
  });
}
