import { type Sealed, type Unknown, withheld } from './availability.ts';
import { createByteCache } from './byte-cache.ts';
import { defineRoute, type Route } from './route.ts';
import { FamilyQuery, RunParams } from './run-request.ts';
import { type ByteDocument, byteDocument, sendDocument } from './signed-bytes.ts';

export type GetScoresDeps = Readonly<{
  defaultFamily: string;
  /** This validator's own signed report, as an EJ1 wire document; the same bytes for ever once it is ready. */
  signedReport: (
    family: string,
    run: string,
  ) => Promise<Readonly<{ kind: 'ready'; bytes: Uint8Array }> | Sealed | Unknown>;
}>;

/** GET /v1/consensus/scores/{run_id}: this validator's own signed report of a run. */
export function getScores({ defaultFamily, signedReport }: GetScoresDeps): Route {
  const cache = createByteCache();
  const load = async (family: string, run: string): Promise<ByteDocument> => {
    const report = await signedReport(family, run);
    if (report.kind !== 'ready') throw withheld(report, family, run);
    const document = byteDocument(report.bytes, 'immutable');
    cache.set(`${family}/${run}`, document);
    return document;
  };
  return defineRoute(spec, ({ params, query, req, res }) => {
    const family = query.family ?? defaultFamily;
    const cached = cache.get(`${family}/${params.run_id}`);
    // Without a promise where none is needed: this is the answer that every peer asks for.
    if (cached !== undefined) return sendDocument(req, res, cached);
    return load(family, params.run_id).then((document) => sendDocument(req, res, document));
  });
}

const spec = {
  path: '/v1/consensus/scores/:run_id',
  summary: "This validator's own signed report of a run",
  params: RunParams,
  query: FamilyQuery,
  answers: [
    {
      status: 200,
      description: 'The signed report: the same bytes for ever',
      contentType: 'application/json',
      schema: 'SignedReport',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404, 425],
} as const;
