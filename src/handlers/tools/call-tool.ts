import { argsHash, argsText, type PythonJson, resultDigest } from '../../evaluation/tool-args.ts';
import { detailOf } from '../../events/scalars.ts';
import type { LedgerClient, ToolCall } from '../ledger/ledger-port.ts';
import { type CallRules, type Refusal, refuse } from './decide-call.ts';
import type { Attested, JobDesk } from './job-desk.ts';

/** Who calls: the job that it shows a token of, and the most calls that it allows itself. */
export type Caller = Readonly<{ job: string; asked: number | null }>;

/** What one call is, before it is made. */
export type Call = Readonly<{
  tool: string;
  args: PythonJson;
  perform: () => Promise<Performed>;
}>;

/** What came of it: the answer, and what is attested of it. */
export type Performed = Readonly<{
  status: number;
  body: unknown;
  result: PythonJson;
  /** In 1e-9 USD; null where it is unknown. */
  cost: number | null;
  /** Null for a call that is a use of the tool. */
  error: string | null;
}>;

export type ToolAnswer = Readonly<{ kind: 'answer'; status: number; body: unknown }> | Refusal;

export type CallToolDeps = Readonly<{
  desk: JobDesk;
  ledger: Pick<LedgerClient, 'attest'>;
  /** A name that no other call has. */
  newCall: () => string;
  /** Milliseconds from any beginning. */
  elapsedMs: () => number;
}>;

/** A write whose answer was lost is sent again under its name: it is one call all the same. */
const ATTEST_ATTEMPTS = 2;

/**
 * Makes a call for a job and attests it, whatever came of it, before its answer is given away. What the ledger does
 * not take is not released (503). What is refused before it began is no call: it costs nothing and is not attested.
 */
export async function callTool(
  caller: Caller,
  call: Call,
  rules: CallRules,
  deps: CallToolDeps,
): Promise<ToolAnswer> {
  const name = deps.newCall();
  const admitted = await deps.desk.admit({ ...caller, call: name }, rules);
  if (admitted.kind === 'refused') return admitted;
  let attested: Attested = 'unavailable';
  try {
    const begunMs = deps.elapsedMs();
    const performed = await performing(call, rules);
    const latencyMs = Math.max(0, Math.round(deps.elapsedMs() - begunMs));
    const word = wordOf(caller, call, performed, { latencyMs, name });
    attested = await attest(word, deps);
    if (attested !== 'taken') return refuse(503, 'the call could not be attested');
    if ('fault' in performed) throw performed.fault;
    return { kind: 'answer', status: performed.status, body: performed.body };
  } finally {
    admitted.leave(attested);
  }
}

/** Only what is ours to mend throws: that too is attested, as a call that failed. */
async function performing(
  call: Call,
  { price }: CallRules,
): Promise<Performed | (Omit<Performed, 'status' | 'body'> & Readonly<{ fault: unknown }>)> {
  try {
    return await call.perform();
  } catch (fault) {
    return { fault, result: {}, cost: price === 0 ? 0 : null, error: 'the tool failed' };
  }
}

function wordOf(
  { job }: Caller,
  { tool, args }: Call,
  { result, cost, error }: Pick<Performed, 'result' | 'cost' | 'error'>,
  { latencyMs, name }: Readonly<{ latencyMs: number; name: string }>,
): ToolCall {
  return {
    call: name,
    job,
    tool,
    args: argsText(args),
    argsHash: argsHash(args),
    result: resultDigest(result),
    latencyMs,
    cost,
    status: error === null ? 'ok' : 'error',
    error: error === null ? null : detailOf(error),
  };
}

async function attest(word: ToolCall, { ledger }: CallToolDeps): Promise<Attested> {
  for (let attempt = 1; attempt <= ATTEST_ATTEMPTS; attempt++) {
    const { kind } = await ledger.attest(word);
    if (kind !== 'unavailable') return kind === 'ok' ? 'taken' : 'refused';
  }
  return 'unavailable';
}
