import { notFound, type Sealed, type Unknown, withheld } from './availability.ts';
import { createBulkGate } from './bulk-gate.ts';
import { answerBusy, answerTooMany } from './problem.ts';
import { createRateLimit } from './rate-limit.ts';
import { defineRoute, type Route } from './route.ts';
import { FamilyQuery, RunParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetBundleDeps = Readonly<{
  defaultFamily: string;
  /** The offline bundle of this validator's report of a run. */
  bundle: (family: string, run: string) => Promise<RunBundle>;
}>;

export type RunBundle =
  | Readonly<{ kind: 'ready'; bytes: Uint8Array }>
  /** There is no bundle yet: what is missing, as a sentence. */
  | Readonly<{ kind: 'pending'; detail: string }>
  | Sealed
  | Unknown;

/** Verifiers take no larger file. */
const MAX_BUNDLE_BYTES = 1024 * 1024;

/** An auditor takes one a run, or those of many runs in a row; each costs several proofs. */
const LIMITS = {
  perNetwork: { burst: 50, perSecond: 2 },
  overall: { burst: 200, perSecond: 20 },
} as const;

/**
 * GET /bundle/{run}: one file with which anybody can check this validator's report of a run offline. To
 * build it costs many reads, so those who ask for the same one at the same time share it.
 */
export function getBundle({ defaultFamily, bundle }: GetBundleDeps): Route {
  const gate = createBulkGate();
  const limit = createRateLimit(LIMITS);
  const building = new Map<string, Promise<RunBundle>>();
  const build = async (family: string, run: string): Promise<RunBundle> => {
    const key = `${family}/${run}`;
    const promise = building.get(key) ?? bundle(family, run);
    building.set(key, promise);
    try {
      return await promise;
    } finally {
      building.delete(key);
    }
  };
  return defineRoute(spec, async ({ params, query, req, res }) => {
    const waitSeconds = limit.admit(req.socket.remoteAddress ?? '');
    if (waitSeconds !== null) return answerTooMany(req, res, waitSeconds);
    if (!gate.enter(res, MAX_BUNDLE_BYTES)) return answerBusy(req, res);
    const { run_id: run } = params;
    const family = query.family ?? defaultFamily;
    const built = await build(family, run);
    switch (built.kind) {
      case 'ready':
        return sendDocument(req, res, byteDocument(built.bytes, 'revalidate', BUNDLE_TYPE));
      case 'pending':
        throw notFound(run, 'none-yet', built.detail);
      case 'sealed':
      case 'unknown':
        throw withheld(built, family, run);
    }
  });
}

const BUNDLE_TYPE = 'application/vnd.eirel.bundle.v1+json';

const spec = {
  path: '/bundle/:run_id',
  summary: "Everything that shows this validator's report of a run to be genuine, in one file",
  params: RunParams,
  query: FamilyQuery,
  answers: [
    {
      status: 200,
      description: 'The bundle, for `eirel audit bundle`',
      contentType: BUNDLE_TYPE,
      schema: null,
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404, 425, 429],
} as const;
