import { z } from 'zod';
import { CHUNK_SIZES } from '../../evaluation/corpus.ts';
import { DeploymentId } from '../../events/job.ts';
import { MAX_MINERS } from '../../events/run.ts';
import { Hex32 } from '../../events/scalars.ts';
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

export type RagRoutesDeps<Caller> = ToolRouteDeps<Caller> &
  Readonly<{
    retrieve: (
      caller: Caller,
      body: Readonly<{ corpusId: string; query: string; k: number }>,
    ) => Promise<RouteAnswer>;
    /** Only for whoever shows the services' own token. */
    authorizeService: ToolRouteDeps<null>['authorize'];
    index: (
      body: Readonly<{
        corpusId: string;
        documents: readonly Readonly<{ docId: string; content: string }>[];
        chunkChars: number;
        overlapChars: number;
      }>,
    ) => Promise<RouteAnswer>;
    list: () => Promise<RouteAnswer>;
    bindRun: (
      body: Readonly<{
        run: string;
        deployments: readonly string[];
        corpora: readonly Readonly<{ corpusId: string; digest: string }>[];
      }>,
    ) => Promise<RouteAnswer>;
    keepOnlyRuns: (runs: readonly string[]) => Promise<RouteAnswer>;
  }>;

/** The routes of retrieval: miners ask, the validator says what can be asked. */
export function ragRoutes<Caller>(deps: RagRoutesDeps<Caller>): readonly Route[] {
  const service = { authorize: deps.authorizeService, enter: FREE_ENTRY };
  return [
    toolRoute(retrieve, deps, deps.retrieve),
    toolRoute(index, service, (_service, body) => deps.index(body)),
    listRoute(deps),
    toolRoute(bindRun, service, (_service, body) => deps.bindRun(body)),
    toolRoute(keepOnlyRuns, service, (_service, { runs }) => deps.keepOnlyRuns(runs)),
  ];
}

/** 200 documents of 200,000 characters, most of them in ASCII. */
const MAX_CORPUS_BYTES = 64 * 1024 * 1024;

const CorpusId = z.string().min(1).max(128);

const retrieve = {
  path: '/v1/rag/retrieve',
  summary: 'Find the parts of a corpus that fit a query, for a job',
  takes: '`{corpus_id, query, k?}`',
  schema: z
    .object({
      corpus_id: CorpusId,
      query: z.string().min(1).max(4_000),
      k: z.int().min(1).max(10).default(5),
    })
    .transform(({ corpus_id, query, k }) => ({ corpusId: corpus_id, query, k })),
  maxBytes: 64 * 1024,
  problems: [],
};

const index = {
  path: '/v1/rag/corpora',
  summary: 'Make a corpus, or replace it; for the validator only',
  takes: '`{corpus_id, documents, chunk_chars?, overlap_chars?}`',
  schema: z
    .object({
      corpus_id: CorpusId,
      documents: z
        .array(z.object({ doc_id: z.string().min(1).max(128), content: z.string().min(1) }))
        .default([]),
      chunk_chars: z.int().min(200).max(4_000).nullish(),
      overlap_chars: z.int().min(0).max(1_000).nullish(),
    })
    .transform(({ corpus_id, documents, chunk_chars, overlap_chars }) => ({
      corpusId: corpus_id,
      documents: documents.map(({ doc_id, content }) => ({ docId: doc_id, content })),
      chunkChars: chunk_chars ?? CHUNK_SIZES.chunkChars,
      overlapChars: overlap_chars ?? CHUNK_SIZES.overlapChars,
    })),
  maxBytes: MAX_CORPUS_BYTES,
  problems: [413],
};

/** A family and a run, each of at most 64 characters. */
const RunName = z.string().min(1).max(256);

const bindRun = {
  path: '/v1/rag/runs',
  summary: "Say which contents a run's miners search; for the validator only",
  takes: '`{run, deployments, corpora: [{corpus_id, digest}]}`',
  schema: z
    .object({
      run: RunName,
      deployments: z.array(DeploymentId).max(MAX_MINERS),
      corpora: z.array(z.object({ corpus_id: CorpusId, digest: Hex32 })).max(16),
    })
    .transform(({ corpora, ...rest }) => ({
      ...rest,
      corpora: corpora.map(({ corpus_id, digest }) => ({ corpusId: corpus_id, digest })),
    })),
  maxBytes: 64 * 1024,
  problems: [],
};

const keepOnlyRuns = {
  path: '/v1/rag/runs/keep',
  summary: 'Say which runs there still are; what only others searched goes. For the validator only',
  takes: '`{runs}`',
  schema: z.object({ runs: z.array(RunName).max(1_000) }),
  maxBytes: 512 * 1024,
  problems: [],
};

function listRoute<Caller>({
  authorizeService,
  list,
}: Pick<RagRoutesDeps<Caller>, 'authorizeService' | 'list'>): Route {
  const spec = {
    path: '/v1/rag/corpora',
    summary: 'What can be asked; for the validator only',
    params: NoParams,
    query: NoParams,
    answers: [
      {
        status: 200,
        description: 'Every corpus with its size',
        contentType: 'application/json',
        schema: null,
        headers: {},
      },
    ],
    problems: [401],
  };
  return defineRoute(spec, async ({ req, res }) => {
    const authorized = authorizeService(credentialsOf(req));
    answer(res, authorized.kind === 'refused' ? authorized : await list());
  });
}
