import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Hex32 } from '../events/scalars.ts';
import { type Sealed, type Unknown, withheld } from './availability.ts';
import { createBulkGate } from './bulk-gate.ts';
import { createByteCache } from './byte-cache.ts';
import { joinDocuments } from './join-documents.ts';
import { answerBusy } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import { FamilyQuery, RunParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';

export type GetReportsDeps = Readonly<{
  defaultFamily: string;
  /** Wire documents (EJ1) of every report held for the run, rivals included, sorted by hotkey and digest. */
  reports: (
    family: string,
    run: string,
  ) => Promise<Readonly<{ kind: 'ready'; reports: readonly Uint8Array[] }> | Sealed | Unknown>;
  /** The same reports by digest of the body, in the same order. */
  reportIndex: (
    family: string,
    run: string,
  ) => Promise<Readonly<{ kind: 'ready'; reports: readonly ReportEntry[] }> | Sealed | Unknown>;
  /** The wire document with this digest of the body; null when no report of the run has it. */
  reportByDigest: (
    family: string,
    run: string,
    digest: string,
  ) => Promise<Readonly<{ kind: 'ready'; bytes: Uint8Array | null }> | Sealed | Unknown>;
}>;

/** What the reports of a run take, a full subnet's of many validators: known only once they are joined. */
const REPORTS_BYTES = 3 * 1024 * 1024;

type ReportEntry = Readonly<{ digest: string; hotkey: string }>;

/**
 * GET /v1/consensus/reports/{run_id}: every report that this validator holds, so that serving
 * different peers different things does not partition them. A run of many validators exceeds what a
 * peer fetches at once: `?view=index` names the digests, `?digest=` gives one.
 */
export function getReports(deps: GetReportsDeps): Route {
  const cache = createByteCache();
  const gate = createBulkGate();
  return defineRoute(spec, async ({ params, query, req, res }) => {
    const { run_id: run } = params;
    const { digest, view } = query;
    const family = query.family ?? deps.defaultFamily;
    if (digest !== undefined && view !== undefined) {
      throw new AppError('input.invalid', {
        field: 'view',
        value: view,
        expected: 'view or digest, not both',
      });
    }
    if (digest !== undefined) {
      const key = `${family}/${run}/${digest}`;
      const document = cache.get(key) ?? (await loadReport(deps, family, run, digest));
      cache.set(key, document);
      sendDocument(req, res, document);
    } else if (view === 'index') {
      const index = await deps.reportIndex(family, run);
      if (index.kind !== 'ready') throw withheld(index, family, run);
      const entries = index.reports.map(({ digest, hotkey }) => ({ digest, hotkey }));
      const text = JSON.stringify({ family, reports: entries, run });
      sendDocument(req, res, byteDocument(Buffer.from(text), 'revalidate'));
    } else if (gate.enter(res, REPORTS_BYTES)) {
      const held = await deps.reports(family, run);
      if (held.kind !== 'ready') throw withheld(held, family, run);
      const bytes = joinDocuments(
        `{"family":"${family}","reports":[`,
        held.reports,
        `],"run":"${run}"}`,
      );
      sendDocument(req, res, byteDocument(bytes, 'revalidate'));
    } else answerBusy(req, res);
  });
}

async function loadReport(deps: GetReportsDeps, family: string, run: string, digest: string) {
  const found = await deps.reportByDigest(family, run, digest);
  if (found.kind !== 'ready') throw withheld(found, family, run);
  if (found.bytes === null) {
    throw new AppError('request.not-found', {
      field: 'digest',
      value: digest,
      reason: 'unknown-digest',
      detail: `No report held for ${run} of ${family} has this digest.`,
    });
  }
  return byteDocument(found.bytes, 'immutable');
}

const spec = {
  path: '/v1/consensus/reports/:run_id',
  summary: 'Every report that this validator holds for a run, its peers’ included',
  params: RunParams,
  query: FamilyQuery.extend({
    view: z.literal('index', 'index, or nothing for the reports themselves').optional(),
    digest: Hex32.optional(),
  }),
  answers: [
    {
      status: 200,
      description:
        'The reports; with `view=index` their digests; with `digest` the one signed report',
      contentType: 'application/json',
      schema: 'ReportsAnswer',
      headers: { ETag: 'SHA-256 of the bytes' },
    },
  ],
  problems: [404, 425],
} as const;
