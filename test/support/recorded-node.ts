import type { ApiPromise } from '@polkadot/api/cjs/index';
import { compactAddLength, u8aConcat, u8aToHex } from '@polkadot/util/cjs/index';
import { buildApi } from '#src/chain/connection-api.ts';

/** What a node of a test answers; for what goes wrong it throws, as a call over the wire would. */
export type Answers = Readonly<{
  /** Raw metadata, from its magic number on. */
  metadata: Uint8Array;
  runtimeVersion: Readonly<{ specVersion: number }>;
  /** The hash of a block's parent, by the block's; where none changes the runtime, its own is as good. */
  parentHash?: (blockHash: string) => string;
  /** The version of the runtime in the state of a block, by its hash; `runtimeVersion` unless it is given. */
  specVersionAt?: (blockHash: string) => number;
  /** Of a runtime that is not the connection's; none unless it is given. */
  otherMetadata?: Uint8Array;
  /** `state_call` by method: argument bytes and block hash in, result in `0x` hex out. */
  call: (method: string, args: string, blockHash: string) => string;
  /** One storage value by `0x` key and block hash; null when nothing is stored. */
  storage: (key: string, blockHash: string) => string | null;
  /** By number; null for a block that the node does not know. */
  blockHash: (block: number) => string | null;
}>;

export type RecordedNode = AsyncDisposable &
  Readonly<{ api: ApiPromise /** The methods that were called, in order. */; requests: string[] }>;

/** The `ApiPromise` that the adapter works with, over these answers instead of a socket. */
export async function recordedNode(answers: Answers): Promise<RecordedNode> {
  const requests: string[] = [];
  const wire = {
    call: async (method: string, params: readonly unknown[]): Promise<unknown> => {
      requests.push(method);
      // A node answers with JSON, and never in the caller's own turn.
      return JSON.parse(JSON.stringify(await answer(answers, method, params)));
    },
    subscribe: async () => {},
    closed: new Promise<string>(() => {}),
    destroy: () => {},
  };
  const { runtimeVersion } = answers;
  const api = await buildApi(
    wire,
    {
      genesis: `0x${'00'.repeat(32)}`,
      chain: 'Recorded',
      properties: { ss58Format: 42 },
    },
    {
      specVersion: runtimeVersion.specVersion,
      version: runtimeVersion,
      metadata: u8aToHex(answers.metadata),
    },
  );
  return { api, requests, [Symbol.asyncDispose]: () => api.disconnect() };
}

async function answer(
  { runtimeVersion, ...answers }: Answers,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const [first, second, third] = params.map(String);
  switch (method) {
    case 'chain_getBlockHash':
      return answers.blockHash(Number(first));
    case 'chain_getHeader':
      return { parentHash: answers.parentHash?.(first ?? '') ?? first };
    case 'state_call':
      if (first === 'Metadata_metadata_versions') return u8aToHex(METADATA_VERSIONS);
      if (first === 'Metadata_metadata_at_version') return someBytes(answers.otherMetadata);
      return answers.call(first ?? '', second ?? '', third ?? '');
    case 'state_getRuntimeVersion':
      return {
        ...runtimeVersion,
        specVersion: answers.specVersionAt?.(first ?? '') ?? runtimeVersion.specVersion,
      };
    case 'state_queryStorageAt': {
      const [keys, hash] = params;
      if (!Array.isArray(keys)) throw new TypeError('keys are a list');
      const changes = keys.map((key) => [key, answers.storage(String(key), String(hash))]);
      // Substrate gives no change set where there is no change.
      return changes.length === 0 ? [] : [{ block: hash, changes }];
    }
    default:
      throw new TypeError(`${method} is not for a reader`);
  }
}

/** SCALE of the list [15]. */
const METADATA_VERSIONS = Uint8Array.of(4, 15, 0, 0, 0);

/** SCALE of an optional byte string. */
function someBytes(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '0x00' : u8aToHex(u8aConcat([1], compactAddLength(bytes)));
}
