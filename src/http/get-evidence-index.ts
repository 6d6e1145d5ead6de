import { z } from 'zod';
import type { EvidenceEntry } from './documents.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetEvidenceIndexDeps = Readonly<{
  /** All evidence that this validator accepted, in the order of its log. */
  evidenceIndex: () => Promise<readonly EvidenceEntry[]>;
}>;

/** GET /v1/evidence: which evidence this validator holds, so that peers fetch what they lack. */
export function getEvidenceIndex({ evidenceIndex }: GetEvidenceIndexDeps): Route {
  return defineRoute(spec, async ({ req, res }) => {
    const entries = await evidenceIndex();
    const evidence = entries.map(({ digest, hotkey, kind }) => ({ digest, hotkey, kind }));
    const text = JSON.stringify({ evidence });
    sendDocument(req, res, byteDocument(Buffer.from(text), 'revalidate'));
  });
}

const spec = {
  path: '/v1/evidence',
  summary: 'The evidence of misbehaviour that this validator accepted, by digest',
  params: NoParams,
  query: z.strictObject({
    view: z.literal('index', 'index, or nothing: the files are fetched one by one').optional(),
  }),
  answers: [
    {
      status: 200,
      description: 'Digest, accused hotkey and kind of each',
      contentType: 'application/json',
      schema: 'EvidenceIndex',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [],
} as const;
