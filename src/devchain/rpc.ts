import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { authorMethods } from './author-methods.ts';
import { chainMethods } from './chain-methods.ts';
import { type DropTime, type FaultState, takeDrop } from './fault-state.ts';
import type { Node } from './node.ts';
import { protocolError, type RpcError } from './rpc-error.ts';
import { type Client, type Method, method, type Reply } from './rpc-method.ts';
import { stateMethods } from './state-methods.ts';
import { subscriptionMethods } from './subscriptions.ts';
import { systemMethods } from './system-methods.ts';

/** A connection as the RPC sees it. */
export type Caller = Client &
  Readonly<{
    send: (message: unknown) => void;
    isOpen: () => boolean;
    drop: () => void;
    /** Calls that wait for their answer. */
    waiting: { count: number };
  }>;

/** Calls of one message. */
const MAX_BATCH = 100;

/** Calls of one connection whose answers a fault delays. */
const MAX_WAITING = 1_024;

/**
 * All methods of a node. Those of `dev` are not in its list: polkadot.js believes the list, so it must name
 * every subscription, and warns of names that it does not know.
 */
export function rpcMethods(
  node: Node,
  dev: Readonly<Record<string, Method>>,
): ReadonlyMap<string, Method> {
  const methods = {
    ...chainMethods(node),
    ...stateMethods(node),
    ...authorMethods(node),
    ...systemMethods,
    ...subscriptionMethods(node),
  };
  const names = [...Object.keys(methods), 'rpc_methods'].toSorted();
  const list = method(z.tuple([]), () => ({ result: { methods: names } }));
  return new Map(Object.entries({ ...methods, rpc_methods: list, ...dev }));
}

/** Answers one message of a client: a call, or a batch of them. The text is attacker-controlled. */
export async function answer(text: string, caller: Caller, rpc: Rpc): Promise<void> {
  const message = parse(text);
  if (message === undefined) {
    caller.send(failure(null, protocolError.parse()));
    return;
  }
  const batch = Array.isArray(message);
  const calls: readonly unknown[] = batch ? message : [message];
  if (calls.length === 0 || calls.length > MAX_BATCH) {
    const expected = `a batch of 1 to ${MAX_BATCH} calls`;
    caller.send(failure(null, protocolError.invalidRequest(expected)));
    return;
  }
  if (caller.waiting.count + calls.length > MAX_WAITING) {
    caller.drop();
    return;
  }
  caller.waiting.count += calls.length;
  const outcomes = await Promise.all(calls.map((call) => take(call, caller, rpc)));
  caller.waiting.count -= calls.length;
  if (outcomes.some(({ drop }) => drop === 'before-answer')) {
    caller.drop();
    return;
  }
  const answers = outcomes.flatMap(({ body }) => body ?? []);
  if (answers.length > 0) caller.send(batch ? answers : answers[0]);
  // What starts after the end of its connection would never be stopped.
  if (caller.isOpen()) for (const { start } of outcomes) start?.();
  if (outcomes.some(({ drop }) => drop === 'after-answer')) caller.drop();
}

export type Rpc = Readonly<{ methods: ReadonlyMap<string, Method>; faults: FaultState }>;

const Call = z.looseObject({
  jsonrpc: z.literal('2.0'),
  method: z.string(),
  params: z.unknown().optional(),
});
const Id = z.looseObject({ id: z.union([z.string(), z.number(), z.null()]) });

type Id = string | number | null;
type Outcome = Readonly<{ body?: object; start?: () => void; drop?: DropTime | null }>;

/** One call, with the faults of its method. */
async function take(call: unknown, caller: Caller, { methods, faults }: Rpc): Promise<Outcome> {
  const parsed = Call.safeParse(call);
  const { data: named } = Id.safeParse(call);
  if (!parsed.success) {
    const detail = z.prettifyError(parsed.error);
    return { body: failure(named?.id ?? null, protocolError.invalidRequest(detail)) };
  }
  // A notification wants no answer, and no method here is worth calling without one.
  if (named === undefined) return {};
  const { method: name, params = [] } = parsed.data;
  const run = methods.get(name);
  if (run === undefined) return { body: failure(named.id, protocolError.unknownMethod()) };
  const delayMs = faults.delays.get(name) ?? 0;
  if (delayMs > 0) await setTimeout(delayMs, undefined, { ref: false });
  const drop = takeDrop(faults, name);
  if (drop === 'before-call') return { drop: 'before-answer' };
  const error = faults.errors.get(name);
  const reply = error === undefined ? await attempt(run, params, caller) : { error };
  return 'error' in reply
    ? { body: failure(named.id, reply.error), drop }
    : {
        body: { jsonrpc: '2.0', id: named.id, result: reply.result },
        ...(reply.start === undefined ? {} : { start: reply.start }),
        drop,
      };
}

/** A method that throws is a fault of ours, or of a parameter of `dev_*`: an answer either way. */
async function attempt(run: Method, params: unknown, caller: Caller): Promise<Reply> {
  try {
    return await run(params, caller);
  } catch (error) {
    if (error instanceof AppError) return { error: protocolError.invalidParams(error.message) };
    process.emitWarning(error instanceof Error ? error : String(error));
    return { error: protocolError.internal(String(error)) };
  }
}

/** Undefined for what is not JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure(id: Id, error: RpcError): object {
  return { jsonrpc: '2.0', id, error };
}
