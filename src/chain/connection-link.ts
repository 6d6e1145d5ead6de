import type { ApiPromise } from '@polkadot/api/cjs/index';
import { isAppError } from '../errors.ts';
import { RpcError } from './rpc-error.ts';

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
 * is an error, with whatever code: that a question is malformed is the node's word, and proxies in front of
 * nodes say so of questions that are not. Anything else is a fault of ours.
 */
export function isOutage(error: unknown): boolean {
  return isAppError(error, 'chain.unavailable') || error instanceof RpcError;
}

/** True for a node's answer that it discarded the state of a block, or does not know the block. */
export function isStateMissing(error: unknown): error is Error {
  return error instanceof Error && STATE_MISSING.test(error.message);
}

/** Substrate's words; one code stands for many errors. */
const STATE_MISSING = /state already discarded|unknown ?block/i;
