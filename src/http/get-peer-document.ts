import type { Request, Response } from 'express';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Hex32 } from '../events/scalars.ts';
import { createBulkGate } from './bulk-gate.ts';
import { answerBusy } from './problem.ts';
import { defineRoute, type Route } from './route.ts';
import { NoParams } from './run-request.ts';
import { byteDocument, sendDocument } from './signed-bytes.ts';
import { NO_BODY, type SignedCallers } from './signed-caller.ts';

/** A document of an open run, and who votes in it. */
type Guarded = Readonly<{
  voters: ReadonlySet<string>;
  bytes: number;
  read: () => Promise<Uint8Array>;
}>;

export type GetPeerDocumentDeps = Readonly<{
  callers: SignedCallers;
  /** An archive of an open run by its SHA-256; null for none. */
  archive: (digest: string) => Promise<Guarded | null>;
  /** The task set of an open run. */
  taskSet: (digest: string) => Promise<Guarded | null>;
}>;

/**
 * GET /v1/archives/{digest} and /v1/task-sets/{digest}: what a peer needs of an open run and the owner withholds, for
 * voters of the run, who sign the request. Who it is for is checked before it is told whether there is such a thing.
 */
export function getPeerDocuments({
  callers,
  archive,
  taskSet,
}: GetPeerDocumentDeps): readonly Route[] {
  const gate = createBulkGate();
  const send = async (
    req: Request,
    res: Response,
    find: () => Promise<Guarded | null>,
    contentType: string,
  ): Promise<void> => {
    let found: Guarded | null = null;
    await callers.admit(req, NO_BODY, async (hotkey) => {
      found = await find();
      if (found?.voters.has(hotkey) !== true)
        throw new AppError('request.forbidden', {
          detail: 'only for voters of an open run with it',
        });
    });
    const { bytes, read } = required(found);
    if (!gate.enter(res, bytes)) return answerBusy(req, res);
    sendDocument(req, res, byteDocument(await read(), 'private', contentType));
  };
  return [
    defineRoute(archiveSpec, ({ params, req, res }) =>
      send(req, res, () => archive(params.digest), 'application/gzip'),
    ),
    defineRoute(taskSetSpec, ({ params, req, res }) =>
      send(req, res, () => taskSet(params.digest), 'application/json'),
    ),
  ];
}

function required(found: Guarded | null): Guarded {
  if (found === null) throw new AppError('request.not-found', { detail: 'no such document' });
  return found;
}

const common = {
  params: z.strictObject({ digest: Hex32 }),
  query: NoParams,
  problems: [401, 403],
} as const;
const answer = { status: 200, schema: null, headers: { ETag: 'SHA-256 of the bytes' } } as const;

const archiveSpec = {
  ...common,
  path: '/v1/archives/:digest',
  summary: 'A submission’s archive by its SHA-256, for voters of a run with it',
  answers: [{ ...answer, description: 'A gzip file', contentType: 'application/gzip' }],
} as const;

const taskSetSpec = {
  ...common,
  path: '/v1/task-sets/:digest',
  summary: 'The tasks of an open run by their SHA-256, for its voters',
  answers: [{ ...answer, description: 'The bytes as they came', contentType: 'application/json' }],
} as const;
