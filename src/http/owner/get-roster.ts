import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { Family, RunId } from '../../events/scalars.ts';
import { createByteCache } from '../byte-cache.ts';
import { defineRoute, type Route } from '../route.ts';
import { byteDocument, sendDocument } from '../signed-bytes.ts';

export type GetRosterDeps = Readonly<{
  defaultFamily: string;
  /** The signed roster of a run, the same bytes for ever; null where there is none. */
  roster: (run: string, family: string) => Promise<Uint8Array | null>;
}>;

/** GET /v1/runs/{run_id}/roster: who takes part in a run, by which tasks and phases, signed by the owner. */
export function getRoster({ defaultFamily, roster }: GetRosterDeps): Route {
  const cache = createByteCache();
  return defineRoute(spec, async ({ params, query, req, res }) => {
    const { run_id: run } = params;
    const { family_id: family = defaultFamily } = query;
    const key = `${family}/${run}`;
    const known = cache.get(key);
    if (known !== undefined) return sendDocument(req, res, known);
    const bytes = await roster(run, family);
    if (bytes === null)
      throw new AppError('request.not-found', { detail: `no roster of ${run} of ${family}` });
    const document = byteDocument(bytes, 'immutable');
    cache.set(key, document);
    sendDocument(req, res, document);
  });
}

const spec = {
  path: '/v1/runs/:run_id/roster',
  summary: 'The signed roster of a run',
  params: z.strictObject({ run_id: RunId }),
  query: z.strictObject({ family_id: Family.optional() }),
  answers: [
    {
      status: 200,
      description: 'The signed document in EJ1: the same bytes for ever',
      contentType: 'application/json',
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
