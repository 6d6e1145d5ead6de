import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Hex32 } from '../events/scalars.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetEvidenceDeps = Readonly<{
  /** The accepted evidence file with this SHA-256; null for none. */
  evidence: (digest: string) => Promise<Uint8Array | null>;
}>;

/** GET /v1/evidence/{digest}: one evidence file, which anybody can verify offline. */
export function getEvidence({ evidence }: GetEvidenceDeps): Route {
  return defineRoute(spec, async ({ params: { digest }, req, res }) => {
    const bytes = await evidence(digest);
    if (bytes === null) {
      throw new AppError('request.not-found', {
        field: 'digest',
        value: digest,
        reason: 'unknown-digest',
        detail: 'No evidence that is held has this digest.',
      });
    }
    sendDocument(req, res, byteDocument(bytes, 'immutable'));
  });
}

const spec = {
  path: '/v1/evidence/:digest',
  summary: 'One evidence file',
  params: z.strictObject({ digest: Hex32 }),
  query: NoParams,
  answers: [
    {
      status: 200,
      description: 'The file, for `eirel audit evidence`: the same bytes for ever',
      contentType: 'application/json',
      schema: 'EvidenceFile',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
