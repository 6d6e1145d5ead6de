import { z } from 'zod';
import { isSs58 } from '../chain/hotkey.ts';
import { toHex } from './hex.ts';
import { type Node, submit } from './node.ts';
import { Hex, type Method, method, type Reply } from './rpc-method.ts';

/** `author_*` but the watch, which is a subscription, and the nonces of `system_*`. */
export function authorMethods(node: Node): Readonly<Record<string, Method>> {
  const nextIndex = method(
    z.tuple([z.string().refine(isSs58, 'an ss58 address with prefix 42')]),
    ([account]) => ({ result: node.pool.nextNonce(account, node.nonceOf) }),
  );
  return {
    author_submitExtrinsic: method(z.tuple([Hex]), ([hex]) => submitHex(node, hex)),
    author_pendingExtrinsics: method(z.tuple([]), () => ({
      result: node.pool.ready().map(({ bytes }) => toHex(bytes)),
    })),
    system_accountNextIndex: nextIndex,
    account_nextIndex: nextIndex,
  };
}

/** Submits what a client sent, unless a fault waits for the next submission. */
export function submitHex(node: Node, hex: string): Reply & { readonly hash?: string } {
  const { rejection } = node.faults;
  if (rejection !== null) {
    node.faults.rejection = null;
    return { error: rejection };
  }
  const submitted = submit(node, Buffer.from(hex.slice(2), 'hex'));
  return 'refused' in submitted
    ? { error: submitted.refused }
    : { result: `0x${submitted.hash}`, hash: submitted.hash };
}
