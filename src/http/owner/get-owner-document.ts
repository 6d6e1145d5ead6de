import type { Request, Response } from 'express';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { SubmissionId } from '../../events/roster.ts';
import { Hex32, RunId } from '../../events/scalars.ts';
import { type BulkGate, createBulkGate } from '../bulk-gate.ts';
import { answerBusy } from '../problem.ts';
import { defineRoute, type Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { byteDocument, sendDocument } from '../signed-bytes.ts';
import type { OwnerCallers } from './owner-callers.ts';

/** Bytes that the owner has, and whether they are everybody's by now. */
type OwnerDocument = Readonly<{
  isPublic: boolean;
  bytes: number;
  read: () => Promise<Uint8Array>;
}>;

export type GetOwnerDocumentDeps = Readonly<{
  callers: Pick<OwnerCallers, 'validator'>;
  /** The archive of a run's member; null where the run has none of that name. */
  archive: (run: string, submission: string) => Promise<OwnerDocument | null>;
  /** A task set that was published. */
  taskSet: (digest: string) => Promise<OwnerDocument | null>;
}>;

/**
 * GET /v1/runs/{run_id}/submissions/{submission_id}/archive: the bytes that a miner submitted. While the run is open
 * they are for validators, who sign the request; then they are everybody's.
 */
export function getArchive(deps: GetOwnerDocumentDeps): Route {
  const send = documentSender(deps);
  return defineRoute(archiveSpec, async ({ params, req, res }) => {
    const found = await deps.archive(params.run_id, params.submission_id);
    if (found === null)
      throw new AppError('request.not-found', {
        detail: `${params.run_id} has no submission ${params.submission_id}`,
      });
    await send(req, res, found, 'application/gzip');
  });
}

/** GET /v1/task-sets/{digest}: the tasks of runs, for validators until every run that has them has ended. */
export function getTaskSet(deps: GetOwnerDocumentDeps): Route {
  const send = documentSender(deps);
  return defineRoute(taskSetSpec, async ({ params, req, res }) => {
    const found = await deps.taskSet(params.digest);
    if (found === null)
      throw new AppError('request.not-found', { detail: `no task set ${params.digest}` });
    await send(req, res, found, 'application/json');
  });
}

/** A bound of its own for each route: who reads archives slowly keeps nobody from the tasks. */
function documentSender({ callers }: Pick<GetOwnerDocumentDeps, 'callers'>) {
  const gate: BulkGate = createBulkGate();
  return async (
    req: Request,
    res: Response,
    document: OwnerDocument,
    contentType: string,
  ): Promise<void> => {
    if (!document.isPublic) await callers.validator(req);
    if (!gate.enter(res, document.bytes)) return answerBusy(req, res);
    // What only some may read must not be kept by what stands between.
    const caching = document.isPublic ? 'immutable' : 'private';
    sendDocument(req, res, byteDocument(await document.read(), caching, contentType));
  };
}

const answer = { status: 200, schema: null, headers: { ETag: 'SHA-256 of the bytes' } } as const;

const archiveSpec = {
  path: '/v1/runs/:run_id/submissions/:submission_id/archive',
  summary: 'The archive of a run’s member, as it was submitted',
  params: z.strictObject({ run_id: RunId, submission_id: SubmissionId }),
  query: NoParams,
  answers: [{ ...answer, description: 'A gzip file', contentType: 'application/gzip' }],
  problems: [401, 403, 404],
} as const;

const taskSetSpec = {
  path: '/v1/task-sets/:digest',
  summary: 'A set of tasks by its SHA-256',
  params: z.strictObject({ digest: Hex32 }),
  query: NoParams,
  answers: [
    { ...answer, description: 'The bytes as they were published', contentType: 'application/json' },
  ],
  problems: [401, 403, 404],
} as const;
