import type { IncomingMessage } from 'node:http';
import type { Request, Response } from 'express';
import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { SubmissionId } from '../../events/roster.ts';
import { Family, Hex32, Ss58 } from '../../events/scalars.ts';
import { oneAtATime } from '../../one-at-a-time.ts';
import { formField, isForm } from '../multipart.ts';
import { createNetworkShare } from '../network-share.ts';
import { parseRequest } from '../parse-request.ts';
import { answerBusy, answerTooLarge, answerTooMany, answerWrongType } from '../problem.ts';
import { createRateLimit } from '../rate-limit.ts';
import type { Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { sendJson } from '../send-json.ts';
import type { OwnerCallers } from './owner-callers.ts';

const SubmissionAnswer = z.strictObject({
  submission_id: SubmissionId,
  miner_hotkey: Ss58,
  family_id: Family,
  status: z.literal('received'),
  archive_sha256: Hex32,
  archive_size_bytes: z.int().min(1),
  created_at: z.iso.datetime({ local: true }),
});
type SubmissionAnswer = z.infer<typeof SubmissionAnswer>;

/** A body on disk: hashed, and read when it was shown to be its hotkey's. */
type Spooled =
  | (Readonly<{ kind: 'whole'; sha256: string; read: () => Promise<Uint8Array> }> & AsyncDisposable)
  | Readonly<{ kind: 'too-large' | 'broken' }>;

export type PostSubmissionDeps = Readonly<{
  callers: OwnerCallers;
  /** Unix time in milliseconds; it only spaces uploads. */
  nowMs?: () => number;
  maxArchiveBytes: number;
  spool: (body: IncomingMessage, maxBytes: number) => Promise<Spooled>;
  /** Throws `input.invalid` for an archive that is not taken, `request.too-many` beyond what one hotkey may submit. */
  receive: (miner: string, archive: Uint8Array) => Promise<SubmissionAnswer>;
}>;

/** A form's boundaries and headers around the archive. */
const FORM_BYTES = 65_536;

/**
 * Uploads under way at once: each may fill the disk with as much as an archive may have, 1 GB in all, and nothing of a
 * body is known to be anybody's before it has ended. A few networks don't keep out the others.
 */
const UPLOADS = { each: 4, all: 64 } as const;

/** A subnet has 256 miners, each of which submits twice in its life. */
const LIMITS = {
  perNetwork: { burst: 20, perSecond: 0.5 },
  overall: { burst: 100, perSecond: 5 },
} as const;

/** As the existing services: so many uploads of a hotkey in an hour, taken or not. */
const HOURLY_UPLOADS = 5;
const HOUR_MS = 3_600_000;

/**
 * POST /v1/submissions: takes an archive, as the body or as the form field `archive`, that a registered hotkey signed
 * with the request. It goes to disk as it comes; nothing of it is looked at before its signature is right.
 */
export function postSubmission(deps: PostSubmissionDeps): Route {
  const limit = createRateLimit(LIMITS);
  const hourly = createHourlyLimit(deps.nowMs ?? Date.now);
  const body = { ...BODY, maxBytes: deps.maxArchiveBytes };
  const places = createNetworkShare(UPLOADS);
  const alone = oneAtATime();
  const handle = async (req: Request, res: Response): Promise<void> => {
    // Who is refused early would go on sending; and nobody has a second archive to send on this connection.
    res.setHeader('Connection', 'close');
    const address = req.socket.remoteAddress ?? '';
    const waitSeconds = limit.admit(address);
    if (waitSeconds !== null) return answerTooMany(req, res, waitSeconds);
    if ((req.headers['content-encoding'] ?? 'identity') !== 'identity')
      return answerWrongType(req, res, 'application/gzip');
    parseRequest(req, spec);
    await deps.callers.announced(req);
    const place = places.take(address, 1);
    if (place === null) return answerBusy(req, res);
    using _place = place;
    await take(req, res, { ...deps, hourly, alone });
  };
  return { ...spec, method: 'post', body, handle };
}

type Taking = Readonly<{
  hourly: (hotkey: string) => void;
  /** One archive at a time is in memory. */
  alone: ReturnType<typeof oneAtATime>;
}>;

async function take(req: Request, res: Response, deps: PostSubmissionDeps & Taking): Promise<void> {
  const type = req.headers['content-type'] ?? '';
  const maxBytes = deps.maxArchiveBytes + (isForm(type) ? FORM_BYTES : 0);
  if (Number(req.headers['content-length'] ?? 0) > maxBytes)
    return answerTooLarge(req, res, deps.maxArchiveBytes);
  const spooled = await deps.spool(req, maxBytes);
  if (spooled.kind === 'too-large') return answerTooLarge(req, res, deps.maxArchiveBytes);
  if (spooled.kind !== 'whole') {
    res.destroy();
    return;
  }
  await using whole = spooled;
  const miner = await deps.callers.miner(req, { sha256: whole.sha256 });
  deps.hourly(miner);
  await deps.alone(async () => receive(req, res, { ...deps, miner, bytes: await whole.read() }));
}

/** From a body that is its miner's. */
async function receive(
  req: Request,
  res: Response,
  { miner, bytes, ...deps }: PostSubmissionDeps & Readonly<{ miner: string; bytes: Uint8Array }>,
): Promise<void> {
  const type = req.headers['content-type'] ?? '';
  const archive = isForm(type) ? formField(bytes, type, 'archive') : bytes;
  if (archive === null)
    throw new AppError('request.invalid', {
      field: 'archive',
      expected: 'one form field of this name',
    });
  if (archive.length > deps.maxArchiveBytes) return answerTooLarge(req, res, deps.maxArchiveBytes);
  sendJson(res, 200, await deps.receive(miner, archive));
}

/** Counts what registered hotkeys send, of which there are at most 256 at a time. */
function createHourlyLimit(nowMs: () => number): (hotkey: string) => void {
  const sent = new Map<string, readonly number[]>();
  return (hotkey) => {
    const atMs = nowMs();
    for (const [other, times] of sent) {
      const recent = times.filter((time) => time > atMs - HOUR_MS);
      if (recent.length === 0) sent.delete(other);
      else sent.set(other, recent);
    }
    const times = sent.get(hotkey) ?? [];
    if (times.length >= HOURLY_UPLOADS)
      throw new AppError('request.too-many', {
        detail: `at most ${HOURLY_UPLOADS} uploads an hour are taken from one hotkey`,
      });
    sent.set(hotkey, [...times, atMs]);
  };
}

const BODY = {
  description:
    'A gzip-compressed tar archive with `submission.yaml` at its root, or a form with it',
  contentType: '*/*',
  schema: null,
} as const;

const spec = {
  path: '/v1/submissions',
  summary: 'Submits an archive for the next run',
  params: NoParams,
  query: z.strictObject({
    extrinsic_hash: z.string().max(128).optional(),
    block_hash: z.string().max(128).optional(),
  }),
  answers: [
    {
      status: 200,
      description: 'It takes part in the next run, unless a newer one of this hotkey does',
      contentType: 'application/json',
      schema: SubmissionAnswer,
      headers: {},
    },
  ],
  problems: [401, 403, 409, 422],
} as const;
