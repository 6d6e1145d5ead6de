import { z } from 'zod';
import { AppError } from '../../errors.ts';
import { Family, RunId, Ss58, TaskId } from '../../events/scalars.ts';
import { guardedRoute } from '../guarded-route.ts';
import { createNetworkShare } from '../network-share.ts';
import { definePostRoute } from '../post-route.ts';
import { createRateLimit } from '../rate-limit.ts';
import { defineRoute, type Route } from '../route.ts';
import { NoParams } from '../run-request.ts';
import { sendJson } from '../send-json.ts';
import type { OwnerCallers } from './owner-callers.ts';

const ClaimedTask = z.strictObject({
  task_evaluation_id: z.string(),
  run_id: RunId,
  family_id: Family,
  task_id: TaskId,
  task_index: z.int().min(0),
  task_payload: z.looseObject({ task_id: TaskId, family_id: Family, prompt: z.string() }),
  miners: z.array(
    z.strictObject({
      hotkey: Ss58,
      endpoint: z.string(),
      auth_headers: z.record(z.string(), z.string()),
    }),
  ),
  claim_expires_at: z.iso.datetime({ local: true }),
  rubric_version: z.string().nullable(),
  benchmark_version: z.string().nullable(),
});
const Claimed = z.strictObject({
  tasks: z.array(ClaimedTask),
  remaining_task_count: z.int().min(0),
});

const Submitted = z.strictObject({
  task_evaluation_id: z.string(),
  status: z.literal('accepted'),
  family_evaluation_complete: z.boolean(),
  remaining_task_count: z.int().min(0),
});

const Returned = z.strictObject({ task_evaluation_id: z.string(), status: z.literal('returned') });

const TaskStatus = z.strictObject({
  run_id: RunId,
  family_id: Family,
  total_tasks: z.int().min(0),
  pending_tasks: z.int().min(0),
  claimed_tasks: z.int().min(0),
  evaluated_tasks: z.int().min(0),
  miners: z.array(z.strictObject({ miner_hotkey: Ss58, judgments_received: z.int().min(0) })),
});

type Named = Readonly<{ family: string; evaluation: string; validator: string }>;

export type TaskRoutesDeps = Readonly<{
  callers: Pick<OwnerCallers, 'validator'>;
  claim: (
    at: Readonly<{ family: string; run: string | null; validator: string; batch: number }>,
  ) => Promise<z.infer<typeof Claimed>>;
  submit: (at: Named & Readonly<{ body: Uint8Array }>) => Promise<z.infer<typeof Submitted>>;
  giveBack: (at: Named) => Promise<z.infer<typeof Returned>>;
  /** How far the validator is with a run; null where there is none. */
  taskStatus: (
    at: Readonly<{ family: string; run: string | null; validator: string }>,
  ) => Promise<z.infer<typeof TaskStatus> | null>;
}>;

/** What a validator that claims tasks from the owner needs: each of these requests is signed by one with a permit. */
export function taskRoutes(deps: TaskRoutesDeps): readonly Route[] {
  const limit = createRateLimit(LIMITS);
  const claim = definePostRoute(claimSpec, limit, async ({ params, body, req, res }) => {
    const validator = await deps.callers.validator(req, body);
    const { run_id: run, batch_size: batch } = readClaim(body);
    sendJson(res, 200, await deps.claim({ family: params.family_id, run, validator, batch }));
  });
  const submit = definePostRoute(submitSpec, limit, async ({ params, body, req, res }) => {
    const validator = await deps.callers.validator(req, body);
    const { family_id: family, evaluation_id: evaluation } = params;
    sendJson(res, 200, await deps.submit({ family, evaluation, validator, body }));
  });
  const giveBack = definePostRoute(returnSpec, limit, async ({ params, body, req, res }) => {
    const validator = await deps.callers.validator(req, body);
    const { family_id: family, evaluation_id: evaluation } = params;
    sendJson(res, 200, await deps.giveBack({ family, evaluation, validator }));
  });
  const status = defineRoute(statusSpec, async ({ params, query, req, res }) => {
    const validator = await deps.callers.validator(req);
    const { family_id: family } = params;
    const found = await deps.taskStatus({ family, run: query.run_id ?? null, validator });
    if (found === null) throw new AppError('request.not-found', { detail: 'run not found' });
    sendJson(res, 200, found);
  });
  return [claim, inShare(submit), giveBack, status];
}

/** A result's signature is looked at once all of it is here: until then its bytes are anybody's. */
function inShare(submit: Route): Route {
  const share = createNetworkShare(RESULT_BYTES);
  return guardedRoute(submit, (req) => {
    const announced = Number(req.headers['content-length'] ?? MAX_RESULT_BYTES);
    const bytes = Math.min(announced, MAX_RESULT_BYTES);
    const taken = share.take(req.socket.remoteAddress ?? '', bytes);
    if (taken === null)
      return { kind: 'refused', status: 503, detail: 'too much is under way: send it again' };
    return { kind: 'entered', leave: () => taken[Symbol.dispose]() };
  });
}

/** 64 validators, also behind one address, each of which claims and sends a task in some seconds. */
const LIMITS = {
  perNetwork: { burst: 512, perSecond: 50 },
  overall: { burst: 1_024, perSecond: 200 },
} as const;

const MAX_CLAIMED = 40;

const Claim = z.object({
  run_id: RunId.nullish().transform((run) => run ?? null),
  batch_size: z.int().min(1).max(MAX_CLAIMED).default(1),
});

/** Throws `request.invalid`. Fields that a claim does not have are nobody's business, as at the existing services. */
function readClaim(body: Uint8Array): z.infer<typeof Claim> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new AppError('request.invalid', { field: 'body', expected: 'JSON in UTF-8' }, { cause });
  }
  const parsed = Claim.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.map(String).join('.') || 'body';
  throw new AppError('request.invalid', { field, expected: issue?.message ?? 'a claim' });
}

/** A claim is two fields. */
const MAX_CLAIM_BYTES = 16_384;

/** 256 miners with their answers and the judge's words. */
const MAX_RESULT_BYTES = 4_000_000;

/** What results under way may take of the memory: four of the largest from one network, a hundred usual ones. */
const RESULT_BYTES = { each: 4 * MAX_RESULT_BYTES, all: 64 * MAX_RESULT_BYTES } as const;

const FamilyParams = z.strictObject({ family_id: Family });
const EvaluationParams = z.strictObject({
  family_id: Family,
  evaluation_id: z.string().min(1).max(128),
});

const answer = { status: 200, contentType: 'application/json', headers: {} } as const;
const body = { contentType: 'application/json', schema: null } as const;

const claimSpec = {
  path: '/v1/families/:family_id/tasks/claim',
  summary: 'Claims tasks of the open run for the asking validator',
  params: FamilyParams,
  query: NoParams,
  body: { ...body, description: '`{run_id?, batch_size?}`', maxBytes: MAX_CLAIM_BYTES },
  answers: [
    {
      ...answer,
      description: 'Tasks that are this validator’s until they expire',
      schema: Claimed,
    },
  ],
  problems: [401, 403, 409, 422],
} as const;

const submitSpec = {
  path: '/v1/families/:family_id/task-evaluations/:evaluation_id/result',
  summary: 'Sends the result of a claimed task',
  params: EvaluationParams,
  query: NoParams,
  body: { ...body, description: 'The result of all miners', maxBytes: MAX_RESULT_BYTES },
  answers: [{ ...answer, description: 'It was taken, now or before', schema: Submitted }],
  problems: [401, 403, 409, 422],
} as const;

const returnSpec = {
  path: '/v1/families/:family_id/task-evaluations/:evaluation_id/return',
  summary: 'Gives a claimed task back',
  params: EvaluationParams,
  query: NoParams,
  body: { ...body, description: 'Nothing that is read', maxBytes: MAX_CLAIM_BYTES },
  answers: [{ ...answer, description: 'It can be claimed again', schema: Returned }],
  problems: [401, 403, 409],
} as const;

const statusSpec = {
  path: '/v1/families/:family_id/tasks/status',
  summary: 'How far the asking validator is with a run',
  params: FamilyParams,
  query: z.strictObject({ run_id: RunId.optional() }),
  answers: [{ ...answer, description: 'Counts of tasks and results', schema: TaskStatus }],
  problems: [401, 403, 404],
} as const;
