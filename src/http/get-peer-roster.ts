import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Family, RunId } from '../events/scalars.ts';
import { createBulkGate } from './bulk-gate.ts';
import { answerBusy } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetPeerRosterDeps = Readonly<{
  /** The roster by which this validator opened the run, as it came; null where there is none. */
  roster: (family: string, run: string) => Promise<Uint8Array | null>;
  /** Its signed body alone. */
  signedRoster: (family: string, run: string) => Promise<Uint8Array | null>;
}>;

/**
 * GET /v1/rosters/{family}/{run_id}: the owner's roster that this validator goes by, so that an owner who shows different
 * validators different ones is found out.
 */
export function getPeerRoster({ roster, signedRoster }: GetPeerRosterDeps): Route {
  const gate = createBulkGate();
  return defineRoute(spec, async ({ params, query, req, res }) => {
    const { family, run_id: run } = params;
    const bytes = await (query.view === 'signed' ? signedRoster : roster)(family, run);
    if (bytes === null)
      throw new AppError('request.not-found', {
        detail: `${run} of ${family} was opened by no roster here`,
      });
    if (!gate.enter(res, bytes.length)) return answerBusy(req, res);
    sendDocument(req, res, byteDocument(bytes, 'immutable'));
  });
}

const spec = {
  path: '/v1/rosters/:family/:run_id',
  summary: 'The owner’s roster by which this validator opened a run',
  params: z.strictObject({ family: Family, run_id: RunId }),
  query: z.strictObject({
    view: z.literal('signed', 'signed, or nothing for the whole roster').optional(),
  }),
  answers: [
    {
      status: 200,
      description:
        'The roster with its members and tasks, in EJ1; with `view=signed` the signed body alone',
      contentType: 'application/json',
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
