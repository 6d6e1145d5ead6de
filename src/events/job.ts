import { z } from 'zod';
import { defineEvent, defineLogEvent } from './define-event.ts';
import { Detail, Ss58, TaskId, Time } from './scalars.ts';

/** Money in units of 1e-9 USD: 9 million dollars fit an integer of JSON. */
export const NanoUsd = z.int().min(0);

/** What a tool call or a model call is put down to: printable ASCII without spaces, at most 128 characters. */
export const JobId = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'at most 128 printable characters');

/** The name of one running instance of a submission: a UUID. */
export const DeploymentId = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'a UUID in lower case');

/** The validator allows one miner to spend on one turn of one task, until it closes the job or the time is over. */
export const JobOpened = defineEvent(
  'job.opened.v1',
  {
    job: JobId,
    task: TaskId,
    miner: Ss58,
    deployment: DeploymentId,
    /** The most that the job may cost, in 1e-9 USD: decided here, never by a miner's header. */
    budget: NanoUsd,
    /** The most calls of tools. */
    calls: z.int().min(0).max(100_000),
    expires: Time,
  },
  ({ job }) => job,
);

/** No call is put down to the job any more; those of models that were reserved before are still metered. */
export const JobClosed = defineEvent('job.closed.v1', { job: JobId }, ({ job }) => job);

/** A query of 4,000 characters, the longest argument there is, takes twelve for each one beyond U+FFFF in ASCII. */
export const MAX_ARGS_LENGTH = 49_152;

/** What a call shows of its result. */
const MAX_RESULT_LENGTH = 512;

/** What names one call of a job: another job may have one of that name. */
const CallName = z.string().regex(/^[A-Za-z0-9._:-]{1,64}$/, 'a name of at most 64 characters');

/** What distinguishes calls of one type: the part behind the last slash names the call. */
function callOfJob({ job, call }: Readonly<{ job: string; call: string }>): string {
  return `${job}/${call}`;
}

/** A tool was called for a job: attested by the tool before it released its answer. */
export const ToolCalled = defineLogEvent(
  'tool.called.v1',
  {
    /** The attestation's own name within its job: one that comes twice is one. */
    call: CallName,
    job: JobId,
    tool: z.string().min(1).max(64),
    /** The arguments as JSON with sorted keys in ASCII. */
    args: z.string().max(MAX_ARGS_LENGTH),
    /** The tool's word for the SHA-256 of `args`: who doubts it computes it. */
    argsHash: z.string().max(64),
    /** The beginning of the result, for people. */
    result: z.string().max(MAX_RESULT_LENGTH),
    latencyMs: z.int().min(0),
    /** Null where the tool does not know it. */
    cost: NanoUsd.nullable(),
    /** `ok`, or how the call failed: one that failed is no use of the tool. */
    status: z.string().min(1).max(16),
    error: Detail.nullable(),
  },
  callOfJob,
);

/**
 * A model is about to be called for a job: in the ledger before a byte of the answer is released. Until the call is
 * metered under the same name, also after its job was closed, what the job cost is not known.
 */
export const CostReserved = defineLogEvent(
  'cost.reserved.v1',
  {
    call: CallName,
    job: JobId,
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    /** The most that it can cost, in 1e-9 USD; null for a model without a price. */
    most: NanoUsd.nullable(),
    /** Of which price table the figure is. */
    prices: z.string().min(1).max(64),
  },
  callOfJob,
);

/**
 * Why a call's cost is unknown: a model without a price; a caller that left before the end and did not let the call be
 * heard to it; a provider that broke off, took too long or gave no figures; our own proxy.
 */
export const UNKNOWN_COSTS = ['unpriced', 'caller', 'provider', 'proxy'] as const;

/** A model was called for a job through the provider proxy. */
export const CostMetered = defineLogEvent(
  'cost.metered.v1',
  {
    call: CallName,
    job: JobId,
    provider: z.string().min(1).max(64),
    model: z.string().min(1).max(128),
    promptTokens: z.int().min(0).nullable(),
    cachedTokens: z.int().min(0).nullable(),
    /** Reasoning tokens are among them. */
    completionTokens: z.int().min(0).nullable(),
    latencyMs: z.int().min(0),
    /** Null where it is unknown: an unknown model, or a provider that did not say how many tokens it took. */
    cost: NanoUsd.nullable(),
    /** Why it is unknown; null where it is known. */
    unknown: z.enum(UNKNOWN_COSTS).nullable(),
    /** Of which price table the figure is. */
    prices: z.string().min(1).max(64),
    status: z.enum(['ok', 'error']),
    error: Detail.nullable(),
  },
  callOfJob,
);
