import { ApiPromise } from '@polkadot/api';
import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import { compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util';

/** What a node of a test answers; a call that is not here is answered as Substrate answers a method that it lacks. */
export type Answers = Readonly<{
  /** Raw metadata, from its magic number on. */
  metadata: Uint8Array;
  /** 15 is offered through the runtime API, 14 through `state_getMetadata`, as nodes do. */
  metadataVersion: 14 | 15;
  runtimeVersion: unknown;
  /** `state_call` by method: argument bytes and block hash in, result in `0x` hex out. */
  call: (method: string, args: string, blockHash: string) => string;
  /** One storage value by `0x` key and block hash; null when nothing is stored. */
  storage: (key: string, blockHash: string) => string | null;
  /** By number; null for a block that the node does not know. */
  blockHash: (block: number) => string | null;
}>;

/** An `ApiPromise` over the answers; `requests` names every request that was made, in order. */
export async function recordedNode(
  answers: Answers,
): Promise<AsyncDisposable & { readonly api: ApiPromise; readonly requests: string[] }> {
  const requests: string[] = [];
  const api = await ApiPromise.create({
    provider: provider(answers, requests),
    noInitWarn: true,
    throwOnConnect: true,
  });
  requests.length = 0;
  return { api, requests, [Symbol.asyncDispose]: () => api.disconnect() };
}

function provider(answers: Answers, requests: string[]): ProviderInterface {
  return {
    hasSubscriptions: true,
    isClonable: false,
    isConnected: true,
    clone: () => provider(answers, requests),
    connect: async () => {},
    disconnect: async () => {},
    on: (type, listener) => {
      if (type === 'connected') queueMicrotask(() => listener());
      return () => {};
    },
    send: async (method, params) => {
      requests.push(method);
      // A node answers with JSON, and never in the caller's own turn.
      return JSON.parse(JSON.stringify(await answer(answers, method, params)));
    },
    subscribe: async (_type, method, _params, listener) => {
      if (method === 'state_subscribeRuntimeVersion') {
        queueMicrotask(() => listener(null, answers.runtimeVersion));
      }
      return method;
    },
    unsubscribe: async () => true,
  };
}

async function answer(
  answers: Answers,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  switch (method) {
    case 'chain_getBlockHash':
      return answers.blockHash(Number(params[0]));
    case 'rpc_methods':
      return { methods: ['state_subscribeRuntimeVersion', 'state_queryStorageAt', 'state_call'] };
    case 'state_call':
      return callAnswer(answers, params.map(String));
    case 'state_getMetadata':
      return u8aToHex(answers.metadata);
    case 'state_getRuntimeVersion':
      return answers.runtimeVersion;
    case 'state_queryStorageAt':
      return [{ block: params[1], changes: changes(answers, params) }];
    case 'system_chain':
      return 'Recorded';
    case 'system_health':
      return { peers: 1, isSyncing: false, shouldHavePeers: true };
    case 'system_properties':
      return { ss58Format: 42, tokenDecimals: 9, tokenSymbol: 'TAO' };
    default:
      throw new Error(`-32601: Method not found: ${method}`);
  }
}

function callAnswer(
  answers: Answers,
  [method = '', args = '', blockHash = '']: readonly string[],
): string {
  if (method === 'Metadata_metadata_versions') {
    return answers.metadataVersion === 15 ? '0x040f000000' : '0x040e000000';
  }
  if (method !== 'Metadata_metadata_at_version') return answers.call(method, args, blockHash);
  if (args !== `0x${answers.metadataVersion.toString(16).padStart(2, '0')}000000`) return '0x00';
  return u8aToHex(u8aConcat([1], compactToU8a(answers.metadata.length), answers.metadata));
}

function changes(
  answers: Answers,
  [keys, blockHash]: readonly unknown[],
): readonly (readonly [key: string, value: string | null])[] {
  if (!Array.isArray(keys)) throw new Error('-32602: Invalid params: keys');
  return keys.map(String).map((key) => [key, answers.storage(key, String(blockHash))]);
}
