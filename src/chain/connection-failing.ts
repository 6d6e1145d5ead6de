import { isStateMissing } from './connection-link.ts';
import { oneLine } from './connection-message.ts';
import type { Wire } from './connection-socket.ts';
import { RpcError } from './rpc-error.ts';

/** What is known of one method: its failures in a row, and how many calls had been made at the last one. */
type Failures = Readonly<{ inARow: number; asked: number }>;

/**
 * The wire, destroyed when a node that shows heads answers a method no more: after `limit` calls of it in
 * a row that failed or got no answer. Each method counts for itself, because a node that serves its heads
 * may serve other light calls too; calls that were under way together fail together, and count once. What
 * an answer says is not judged here. A node without the state of old blocks is left only where there are
 * `alternatives`: another one may have it, the same one will not.
 */
export function leaveWhenFailing(
  wire: Wire,
  { limit, alternatives }: Readonly<{ limit: number; alternatives: boolean }>,
): Wire {
  const failing = new Map<string, Failures>();
  let asked = 0;
  const failed = (method: string, before: number, error: Error): void => {
    const { inARow, asked: counted } = failing.get(method) ?? NONE;
    if (before < counted) return;
    failing.set(method, { inARow: inARow + 1, asked });
    if (inARow + 1 < limit) return;
    wire.destroy(
      `${limit} calls of ${method} in a row failed, the last one with: ${oneLine(error)}`,
    );
  };
  return {
    ...wire,
    call: async (method, params) => {
      const before = asked++;
      try {
        const answer = await wire.call(method, params);
        failing.delete(method);
        return answer;
      } catch (error) {
        if (error instanceof Error && isFailure(error, method, alternatives))
          failed(method, before, error);
        throw error;
      }
    },
  };
}

const NONE: Failures = { inARow: 0, asked: 0 };

/** False for an error that is as good as an answer. */
function isFailure(error: Error, method: string, alternatives: boolean): boolean {
  if (!(error instanceof RpcError)) return true;
  // The pool's word on an extrinsic; the codes of `author` are those of one thousand.
  if (method.startsWith('author_') && error.code >= 1_000 && error.code < 2_000) return false;
  return alternatives || !isStateMissing(error);
}
