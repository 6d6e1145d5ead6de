import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Signer } from '../../consensus/keys.ts';
import { signRequest } from '../../consensus/signed-request.ts';
import { MAX_ROSTER_BYTES, type RosterMember } from '../../evaluation/roster.ts';
import { MAX_TASK_SET_BYTES } from '../../evaluation/task-set.ts';
import { RunId } from '../../events/scalars.ts';
import type { Fetch } from '../ask-peers.ts';

/** What somebody who was asked for bytes came up with; whether they are the right ones is the caller's question. */
export type Given =
  | Readonly<{ kind: 'given'; bytes: Uint8Array }>
  | Readonly<{ kind: 'withheld'; detail: string }>;

export type AskDeps = Readonly<{
  fetch: Fetch;
  signer: Signer;
  /** The time now, RFC 3339. */
  now: () => string;
  signal: AbortSignal;
}>;

/** The owner's interface, as far as a validator needs it. Nothing of it throws for what the owner does. */
export type Owner = Readonly<{
  /** The run that the owner has open; null where there is none, or no usable answer. */
  currentRun: (family: string) => Promise<string | null>;
  roster: (family: string, run: string) => Promise<Given>;
  taskSet: (digest: string) => Promise<Given>;
  archive: (run: string, member: RosterMember) => Promise<Given>;
}>;

/** The owner at an address. */
export function askOwner(url: string, deps: AskDeps): Owner {
  return {
    currentRun: async (family) => {
      const path = `/v1/runs/current?family_id=${family}`;
      const answer = await ask(`${url}${path}`, MAX_RUN_BYTES, deps);
      return answer.kind === 'given' ? openRunIn(answer.bytes) : null;
    },
    roster: (family, run) =>
      ask(`${url}/v1/runs/${run}/roster?family_id=${family}`, MAX_ROSTER_BYTES, deps),
    taskSet: (digest) => ask(`${url}/v1/task-sets/${digest}`, MAX_TASK_SET_BYTES, deps),
    archive: (run, { submission, bytes }) =>
      ask(`${url}/v1/runs/${run}/submissions/${submission}/archive`, bytes, deps),
  };
}

/**
 * Asks for bytes in the name of this validator, signed as the existing services expect it. More than `maxBytes` are not
 * read: what is that large is not what was asked for.
 */
export async function ask(url: string, maxBytes: number, deps: AskDeps): Promise<Given> {
  const { fetch, signer, now, signal } = deps;
  const parsed = URL.parse(url);
  if (parsed === null) return { kind: 'withheld', detail: 'an address that is none' };
  const request = { method: 'GET', url: parsed, body: new Uint8Array() };
  const headers = signRequest(signer, request, { timestamp: now(), requestId: randomUUID() });
  const answer = await fetch(url, { maxBytes, headers, signal });
  if (answer.kind === 'refused')
    return { kind: 'withheld', detail: `${answer.reason}: ${answer.detail}` };
  return answer.status === 200
    ? { kind: 'given', bytes: answer.body }
    : { kind: 'withheld', detail: `HTTP status ${answer.status}` };
}

/** A run with its summaries. */
const MAX_RUN_BYTES = 1_048_576;

const CurrentRun = z.looseObject({ run_id: RunId, status: z.string() });

function openRunIn(bytes: Uint8Array): string | null {
  try {
    const run = CurrentRun.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return run.success && run.data.status === 'open' ? run.data.run_id : null;
  } catch {
    // No JSON is no usable answer.
    return null;
  }
}
