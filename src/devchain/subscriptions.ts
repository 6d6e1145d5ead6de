import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { submitHex } from './author-methods.ts';
import type { Block } from './blocks.ts';
import { headerJson } from './header.ts';
import { extraOf, type Node, type Notice } from './node.ts';
import { PEER, type Status } from './pool.ts';
import { protocolError } from './rpc-error.ts';
import { type Client, Hex, type Method, method, type Reply } from './rpc-method.ts';
import { readStorage, versionJson } from './state-methods.ts';

/** polkadot.js holds five, and one for each extrinsic that it watches. */
const MAX_SUBSCRIPTIONS = 64;

/** Each is read at every block; a subnet of 256 neurons with two values of each. */
const SubscribedKeys = z.array(Hex).max(512);

/** Starts to emit; gives what ends it. It calls `end` itself when nothing more can follow. */
type Source = (emit: (result: unknown) => void, end: () => void) => () => void;

/** Every subscription and what ends it. Each begins with the present state of what it follows. */
export function subscriptionMethods(node: Node): Readonly<Record<string, Method>> {
  const { blocks } = node;
  const heads = (notification: string, kind: HeadKind, first: () => Block): Method =>
    method(z.tuple([]), (_none, client) =>
      open(client, notification, (emit) => {
        emit(headerJson(first()));
        return listen(node, (notice) => {
          if (notice.kind === kind) emit(headerJson(notice.block));
        });
      }),
    );
  const newHeads = heads('chain_newHead', 'best', blocks.best);
  return {
    chain_subscribeNewHead: newHeads,
    chain_unsubscribeNewHead: close,
    chain_subscribeNewHeads: newHeads,
    chain_unsubscribeNewHeads: close,
    chain_subscribeAllHeads: heads('chain_allHead', 'imported', blocks.best),
    chain_unsubscribeAllHeads: close,
    chain_subscribeFinalizedHeads: heads('chain_finalizedHead', 'finalized', blocks.finalized),
    chain_unsubscribeFinalizedHeads: close,
    state_subscribeRuntimeVersion: method(z.tuple([]), (_none, client) =>
      open(client, 'state_runtimeVersion', changesOf(node, versionOf)),
    ),
    state_unsubscribeRuntimeVersion: close,
    state_subscribeStorage: method(z.tuple([SubscribedKeys]), ([keys], client) => {
      const readable = readStorage(node, keys);
      return 'error' in readable ? readable : open(client, 'state_storage', storageOf(node, keys));
    }),
    state_unsubscribeStorage: close,
    author_submitAndWatchExtrinsic: method(z.tuple([Hex]), ([hex], client) => {
      if (client.subscriptions.size >= MAX_SUBSCRIPTIONS) return tooMany;
      const submitted = submitHex(node, hex);
      const { hash } = submitted;
      return hash === undefined
        ? submitted
        : open(client, 'author_extrinsicUpdate', statusesOf(node, hash));
    }),
    author_unwatchExtrinsic: close,
  };
}

type HeadKind = 'best' | 'imported' | 'finalized';

const tooMany: Reply = { error: protocolError.tooMany('subscriptions on this connection') };

/** A new subscription, which starts once its id is on the way. */
function open(client: Client, notification: string, source: Source): Reply {
  const { subscriptions } = client;
  if (subscriptions.size >= MAX_SUBSCRIPTIONS) return tooMany;
  const id = randomUUID();
  let stop = (): void => {};
  const end = (): void => {
    subscriptions.delete(id);
    stop();
  };
  subscriptions.set(id, end);
  return {
    result: id,
    start: () => {
      // It may have ended by its first word, or the connection meanwhile.
      if (!subscriptions.has(id)) return;
      stop = source((result) => client.notify(notification, id, result), end);
      if (!subscriptions.has(id)) stop();
    },
  };
}

const close: Method = method(z.tuple([z.string()]), ([id], { subscriptions }) => {
  const end = subscriptions.get(id);
  end?.();
  return { result: end !== undefined };
});

function listen({ listeners }: Node, listener: (notice: Notice) => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** A value of the best block, now and whenever it is another one. */
function changesOf(node: Node, read: (node: Node) => { key: string; value: unknown }): Source {
  return (emit) => {
    let last: string | null = null;
    const tell = (): void => {
      const { key, value } = read(node);
      if (key === last) return;
      last = key;
      emit(value);
    };
    tell();
    return listen(node, ({ kind }) => {
      if (kind === 'best') tell();
    });
  };
}

function versionOf({ blocks }: Node) {
  const { specVersion } = blocks.best();
  return { key: String(specVersion), value: versionJson(specVersion) };
}

/** All keys first, then those whose value is another one than in the best block before. */
function storageOf(node: Node, keys: readonly string[]): Source {
  return (emit) => {
    const known = new Map<string, string | null>();
    const tell = (): void => {
      const block = node.blocks.best();
      const [state, extra] = [node.blocks.bestState(), extraOf(node, block)];
      const changes = keys.flatMap((key): [string, string | null][] => {
        const value = node.codec.storageValue(state, key, extra);
        if (known.get(key) === value) return [];
        known.set(key, value);
        return [[key, value]];
      });
      if (changes.length > 0) emit({ block: `0x${block.hash}`, changes });
    };
    tell();
    return listen(node, ({ kind }) => {
      if (kind === 'best') tell();
    });
  };
}

/** After these a watch has no more to say. */
function isLast(status: Status): boolean {
  if (typeof status === 'string') return status === 'invalid' || status === 'dropped';
  return 'finalized' in status || 'finalityTimeout' in status || 'usurped' in status;
}

function statusesOf(node: Node, extrinsic: string): Source {
  return (emit, end) => {
    const tell = (status: Status): void => {
      emit(status);
      if (isLast(status)) end();
    };
    for (const status of presentStatuses(node, extrinsic)) tell(status);
    return listen(node, (notice) => {
      if (notice.kind === 'status' && notice.hash === extrinsic) tell(notice.status);
    });
  };
}

/** Where an extrinsic has come to before somebody listens. */
function presentStatuses({ pool, blocks }: Node, extrinsic: string): readonly Status[] {
  const pooled = pool.get(extrinsic);
  if (pooled !== undefined) return pooled.ready ? ['ready', { broadcast: [PEER] }] : ['future'];
  const block = blocks.holding(extrinsic);
  if (block === undefined) return ['dropped'];
  const hash = `0x${block.hash}`;
  const isFinal = block.number <= blocks.finalized().number;
  return ['ready', { inBlock: hash }, ...(isFinal ? [{ finalized: hash }] : [])];
}
