import type { ChatCall } from '../../evaluation/chat-call.ts';
import { type Caller, type ChatOutcome, completeChat, type ProxyDeps } from './complete-chat.ts';

/**
 * Makes a call as `completeChat` does, and waits as long as its caller does: `waited` once the caller's own time is over.
 * Who asks for little time leaves the call as one that hangs up does, and answers for it as that one.
 */
export async function completeInTime(
  call: ChatCall,
  caller: Caller,
  deps: ProxyDeps,
): Promise<ChatOutcome | Readonly<{ kind: 'waited' }>> {
  const late = new AbortController();
  const left = AbortSignal.any([caller.left, late.signal]);
  const whole = completeChat(call, { ...caller, left }, deps);
  const ended = new AbortController();
  const over = deps.pause(call.timeoutMs, AbortSignal.any([deps.stopping, ended.signal]));
  const outcome = await Promise.race([whole, over.then(() => null)]).finally(() => ended.abort());
  if (outcome !== null) return outcome;
  late.abort();
  whole.catch(() => undefined); // it is metered, and nobody hears of it
  return { kind: 'waited' };
}
