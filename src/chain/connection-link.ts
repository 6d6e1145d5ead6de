import type { ApiPromise } from '@polkadot/api';
import RpcError from '@polkadot/rpc-provider/coder/error';
import { isAppError } from '../errors.ts';

/**
 * A node as one runtime version shows it. It is for one `withApi`: after an upgrade of the runtime, or on
 * another node, the next reader gets another one, so nothing of it may be kept.
 */
export type Link = Readonly<{
  /** For single calls: `api.rpc`, `api.call`, `api.query` and `api.at`. Subscriptions are refused. */
  api: ApiPromise;
  /** The runtime version that `api` was built for. */
  spec: number;
  /** The node's address without path and credentials: fit for logs and events. */
  endpoint: string;
  /** One JSON-RPC call with the read deadline; for methods that `api.rpc` has no name for. */
  call: (method: string, params: readonly unknown[]) => Promise<unknown>;
  /** False when signing would leave out bytes that the runtime expects; then `cannotSign` says why. */
  canSign: boolean;
  cannotSign: string | null;
}>;

/**
 * True for what a node or the way to it can do to a read: no connection, no answer in time, an answer that
 * is an error. Anything else is a fault of ours. JSON-RPC's own codes for a malformed question are ours too.
 */
export function isOutage(error: unknown): boolean {
  if (isAppError(error, 'chain.unavailable')) return true;
  return error instanceof RpcError && !MALFORMED_QUESTION.includes(error.code);
}

/** JSON-RPC 2.0, section 5.1: parse error, invalid request, invalid params. */
const MALFORMED_QUESTION: readonly number[] = [-32_700, -32_600, -32_602];
