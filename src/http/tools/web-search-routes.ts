import { z } from 'zod';
import { JobId } from '../../events/job.ts';
import type { LetIn, TurnedAway } from '../guarded-route.ts';
import { defineRoute, type Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import {
  answer,
  credentialsOf,
  FREE_ENTRY,
  type RouteAnswer,
  type ToolRouteDeps,
  toolRoute,
} from './tool-route.ts';

export type WebSearchRoutesDeps<Caller> = ToolRouteDeps<Caller> &
  Readonly<{
    search: (
      caller: Caller,
      body: Readonly<{
        query: string;
        topK: number;
        snapshotId: string | null;
        preferredDomains: readonly string[];
      }>,
    ) => Promise<RouteAnswer>;
    openPage: (
      caller: Caller,
      body: Readonly<{ documentId: string; snapshotId: string | null }>,
    ) => Promise<RouteAnswer>;
    findOnPage: (
      caller: Caller,
      body: Readonly<{ documentId: string; pattern: string; snapshotId: string | null }>,
    ) => Promise<RouteAnswer>;
    /** Whether this credential may read what the job used. */
    mayRead: (bearer: string | null, job: string) => boolean;
    /** Lets a request that reads in, within the share of the miner whose job it is. */
    enterToRead: (job: string) => LetIn | TurnedAway;
    usage: (job: string) => Promise<RouteAnswer>;
    retrievals: (job: string) => Promise<RouteAnswer>;
    /** Only for whoever shows the services' own token. */
    authorizeService: ToolRouteDeps<null>['authorize'];
    /** Forgets what is counted here; gives the number of jobs. */
    reset: () => number;
  }>;

/** The routes of web search: search, open, find, and what a job used of them. */
export function webSearchRoutes<Caller>(deps: WebSearchRoutesDeps<Caller>): readonly Route[] {
  const { authorizeService: authorize, reset } = deps;
  return [
    toolRoute(search, deps, deps.search),
    toolRoute(openPage, deps, deps.openPage),
    toolRoute(findOnPage, deps, deps.findOnPage),
    jobRoute('usage', 'How often a job used the service', deps, deps.usage),
    jobRoute('ledger', 'What a job did with the service', deps, deps.retrievals),
    toolRoute(resetUsage, { authorize, enter: FREE_ENTRY }, async () => ({
      kind: 'answer',
      status: 200,
      body: { cleared_job_count: reset() },
    })),
  ];
}

const SnapshotId = z.string().max(256).nullish();
const DocumentId = z.string().min(1).max(256);

const search = {
  path: '/v1/search',
  summary: 'Search the web, for a job',
  takes: '`{query, top_k?, snapshot_id?, preferred_domain_families?}`',
  schema: z
    .object({
      query: z.string().min(1).max(4_000),
      top_k: z.int().min(1).max(10).default(5),
      snapshot_id: SnapshotId,
      preferred_domain_families: z.array(z.string().max(256)).max(32).default([]),
    })
    .transform(({ query, top_k, snapshot_id, preferred_domain_families }) => ({
      query,
      topK: top_k,
      snapshotId: snapshot_id ?? null,
      preferredDomains: preferred_domain_families,
    })),
  maxBytes: 64 * 1024,
  problems: [],
};

const openPage = {
  path: '/v1/open-page',
  summary: 'Open a document that a search found, for a job',
  takes: '`{document_id, snapshot_id?}`',
  schema: z
    .object({ document_id: DocumentId, snapshot_id: SnapshotId })
    .transform(({ document_id, snapshot_id }) => ({
      documentId: document_id,
      snapshotId: snapshot_id ?? null,
    })),
  maxBytes: 16 * 1024,
  problems: [502],
};

const findOnPage = {
  path: '/v1/find-on-page',
  summary: 'Look for a text on an opened page, for a job',
  takes: '`{document_id, pattern, snapshot_id?}`',
  schema: z
    .object({
      document_id: DocumentId,
      pattern: z.string().min(1).max(1_024),
      snapshot_id: SnapshotId,
    })
    .transform(({ document_id, pattern, snapshot_id }) => ({
      documentId: document_id,
      pattern,
      snapshotId: snapshot_id ?? null,
    })),
  maxBytes: 16 * 1024,
  problems: [409],
};

const resetUsage = {
  path: '/v1/usage/reset',
  summary: 'Forget how many calls were made here; those in the ledger count all the same',
  takes: 'nothing',
  schema: z.unknown(),
  maxBytes: 1024,
  problems: [],
};

function jobRoute<Caller>(
  name: 'usage' | 'ledger',
  summary: string,
  { mayRead, enterToRead }: Pick<WebSearchRoutesDeps<Caller>, 'mayRead' | 'enterToRead'>,
  read: (job: string) => Promise<RouteAnswer>,
): Route {
  const spec = {
    path: `/v1/jobs/:job/${name}`,
    summary,
    params: z.object({ job: JobId }),
    query: NoParams,
    answers: [
      {
        status: 200,
        description: 'As the ledger has it',
        contentType: 'application/json',
        schema: null,
        headers: {},
      },
    ],
    problems: [401, 404, 429],
  };
  return defineRoute(spec, async ({ req, res, params: { job } }) => {
    const detail = 'invalid web search tool auth token';
    if (!mayRead(credentialsOf(req).bearer, job))
      return answer(res, { kind: 'refused', status: 401, detail });
    const entered = enterToRead(job);
    if (entered.kind === 'refused') return answer(res, entered);
    try {
      answer(res, await read(job));
    } finally {
      entered.leave();
    }
  });
}
