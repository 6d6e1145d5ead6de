import { GATE_WINDOW_RUNS } from '../consensus/gate-figures.ts';
import { AppError } from '../errors.ts';
import { defineRoute, type Route } from './route.ts';
import { FamilyQuery, NoParams, wholeNumber } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetDivergenceDeps = Readonly<{
  defaultFamily: string;
  /**
   * The signed summary (EJ1 wire document) over the last `window` compared runs, null when none was
   * compared. Signing is slow and anybody may ask, so the same bytes are expected until another run
   * is compared.
   */
  divergence: (family: string, window: number) => Promise<Uint8Array | null>;
}>;

/** More runs than any gate looks back on. */
const MAX_WINDOW_RUNS = 1_000;

/** GET /v1/consensus/divergence: how the consensus compares with the owner's picks, signed. */
export function getDivergence({ defaultFamily, divergence }: GetDivergenceDeps): Route {
  return defineRoute(spec, async ({ query, req, res }) => {
    const family = query.family ?? defaultFamily;
    const bytes = await divergence(family, query.window ?? GATE_WINDOW_RUNS);
    if (bytes === null) {
      throw new AppError('request.not-found', {
        field: 'family',
        value: family,
        reason: 'none-yet',
        detail: `No run of ${family} was compared with the owner's pick.`,
      });
    }
    sendDocument(req, res, byteDocument(bytes, 'revalidate'));
  });
}

const spec = {
  path: '/v1/consensus/divergence',
  summary: "How the consensus compares with the owner's picks, over the last runs",
  params: NoParams,
  query: FamilyQuery.extend({ window: wholeNumber(1, MAX_WINDOW_RUNS).optional() }),
  answers: [
    {
      status: 200,
      description: 'The signed summary',
      contentType: 'application/json',
      schema: 'SignedDivergence',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404],
} as const;
