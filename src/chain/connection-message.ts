import { RpcCoder } from '@polkadot/rpc-provider/cjs/coder/index';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { RpcError } from './rpc-error.ts';

/** An answer or a notice of a node, which chose every byte of it. */
export type Message = Parameters<RpcCoder['decodeResponse']>[0] & object;

/** Reads a message's frame; null when it is not JSON-RPC. Its content is judged by `decodeMessage`. */
export function parseMessage(text: string): Message | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the caller closes the socket and says so.
    return null;
  }
  if (typeof value !== 'object' || value === null || !('jsonrpc' in value)) return null;
  const shaped = 'method' in value ? hasSubscription(value) : 'id' in value;
  // safe: the fields that are read without `decodeMessage` were looked for just now.
  return shaped ? (value as Message) : null;
}

/** What a message tells: a result, or the node's own error as the `RpcError` that callers know. */
export function decodeMessage(
  message: Message,
): Readonly<{ error: null; result: unknown } | { error: Error; result: null }> {
  try {
    return { error: null, result: coder.decodeResponse<unknown>(message) };
  } catch (error) {
    if (error instanceof RpcError) return { error, result: null };
    return { error: outage('an answer', String(error), error), result: null };
  }
}

/** The error of whatever a node, or the way to it, keeps from being answered. */
export function outage(about: string, found: string, cause?: unknown): AppError {
  return new AppError('chain.unavailable', { about, found }, { cause });
}

/** The answer in the shape that it must have; throws an outage that says where it has not. */
export function shaped<T>(schema: z.ZodType<T>, answer: unknown, about: string): T {
  const { data, error } = schema.safeParse(answer);
  if (error === undefined) return data;
  throw outage(about, z.prettifyError(error), error);
}

/** One short line of an error: a node may have written parts of it. */
export function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // Control characters would do things to the terminal of whoever reads it.
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ');
  return line.length <= MAX_DETAIL ? line : `${line.slice(0, MAX_DETAIL)}…`;
}

/** Characters; enough for two hashes with what they are. */
const MAX_DETAIL = 300;

/** Only its decoding is used here, which keeps no state. */
const coder = new RpcCoder();

function hasSubscription(value: object): boolean {
  if (!('params' in value)) return false;
  const { params } = value;
  return typeof params === 'object' && params !== null && 'subscription' in params;
}
