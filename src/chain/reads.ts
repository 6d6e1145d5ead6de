import type { ApiPromise } from '@polkadot/api/cjs/index';
import { unwrapStorageType } from '@polkadot/types/cjs/index';
import type { DefinitionCallNamed } from '@polkadot/types/cjs/types/index';
import { u8aConcatStrict, u8aToHex } from '@polkadot/util/cjs/index';
import { z } from 'zod';
import type { Known } from './chain.ts';
import { isStateMissing } from './connection-link.ts';
import { decodeExactly, parseAnswer } from './decode.ts';
import { known, malformed, unavailable } from './known.ts';

/** A block whose state is read; the hash is 64 hex digits. */
export type At = Readonly<{ block: number; blockHash: string }>;

/** What decodes the state of a block, and asks for it. */
export type StateApi = Pick<ApiPromise, 'query' | 'call' | 'registry' | 'rpc'>;

/** A storage item by its names in `api.query`, with its keys: `['subtensorModule', 'tempo', 36]`. */
export type StorageItem = readonly [
  pallet: string,
  item: string,
  ...keys: readonly (number | string)[],
];

/** The subnet has one mechanism. Its index in storage is mechanism × 4096 + netuid, which is the netuid. */
export const MECHANISM = 0;

/**
 * Many storage values of one block in one request, under the caller's own names, as plain values
 * (`decodeExactly`). What is not stored is the metadata's default, or null where it has none; what the
 * metadata does not describe is left out. Transport errors are thrown.
 */
export async function readStorage(
  items: Readonly<Record<string, StorageItem>>,
  at: At,
  { api }: { readonly api: StateApi },
): Promise<Known<Readonly<Record<string, unknown>>>> {
  const entries = Object.entries(items).flatMap(([name, [pallet, item, ...keys]]) => {
    const entry = api.query[pallet]?.[item];
    return entry === undefined
      ? []
      : [{ name, key: entry.key(...keys), creator: entry.creator, label: `${pallet}.${item}` }];
  });
  const keys = entries.map(({ key }) => key);
  // To no question Substrate answers with no change set at all.
  if (keys.length === 0) return known({});
  const answer = await atState(at, () =>
    api.rpc.state.queryStorageAt.raw<unknown>(keys, `0x${at.blockHash}`),
  );
  if (!answer.known) return answer;
  const changeSets = parseAnswer(ChangeSets, answer.value, 'state_queryStorageAt');
  if (!changeSets.known) return changeSets;
  const stored = new Map(changeSets.value[0].changes);

  const values: Record<string, unknown> = {};
  for (const { name, key, creator, label } of entries) {
    const bytes = stored.get(key);
    // A node that leaves out what was asked for has not said that nothing is stored.
    if (bytes === undefined) return malformed(`${label}: the node's answer has no such key`);
    const value = decodeStored(bytes, creator);
    if (!value.known) return malformed(`${label} at block ${at.block}: ${value.detail}`);
    values[name] = value.value;
  }
  return known(values);
}

/**
 * One call of a runtime API, by its names in `api.call`, at one block, as plain values. 'malformed' where
 * the metadata does not describe it. Transport errors are thrown.
 */
export async function callRuntime(
  [section, method]: readonly [section: string, method: string],
  args: readonly unknown[],
  at: At,
  { api }: { readonly api: StateApi },
): Promise<Known<unknown>> {
  const call = api.call[section]?.[method];
  if (call === undefined) {
    return malformed(
      `the metadata describes no runtime API ${section}.${method}: metadata V14 describes none at all; use a node that serves V15, and connect anew after a runtime upgrade`,
    );
  }
  // safe: ApiPromise decorates every runtime call with its definition; only the type of the lookup omits it.
  const { meta } = call as typeof call & { readonly meta: DefinitionCallNamed };
  const input = u8aConcatStrict(
    meta.params.map(({ type }, index) =>
      api.registry.createTypeUnsafe(type, [args[index]]).toU8a(),
    ),
  );
  const answer = await atState(at, () =>
    api.rpc.state.call.raw<unknown>(meta.name, u8aToHex(input), `0x${at.blockHash}`),
  );
  if (!answer.known) return answer;
  const bytes = parseAnswer(Hex, answer.value, meta.name);
  if (!bytes.known) return bytes;
  const value = decodeExactly(meta.type, bytes.value, { registry: api.registry });
  return value.known ? value : malformed(`${meta.name} at block ${at.block}: ${value.detail}`);
}

/** The version of the runtime in the state of a block, which runs the next one. */
export async function readRuntimeVersion(
  at: At,
  { api }: { readonly api: StateApi },
): Promise<Known<number>> {
  const answer = await atState(at, () =>
    api.rpc.state.getRuntimeVersion.raw<unknown>(`0x${at.blockHash}`),
  );
  if (!answer.known) return answer;
  const version = parseAnswer(RuntimeVersion, answer.value, 'runtime version');
  return version.known ? known(version.value.specVersion) : version;
}

/** A request for the state of a block; that the node does not have this state is an answer, not an outage. */
async function atState(at: At, request: () => Promise<unknown>): Promise<Known<unknown>> {
  try {
    return known(await request());
  } catch (error) {
    if (!isStateMissing(error)) throw error;
    return unavailable(
      `the node has no state of block ${at.block} (any more): an archive node keeps it; ${error.message}`,
    );
  }
}

const Hex = z.string().regex(/^0x(?:[0-9a-f]{2})*$/, '0x and pairs of lower-case hex digits');

const RuntimeVersion = z.object({ specVersion: z.int().min(0) });

type StorageEntry = ApiPromise['query'][string][string]['creator'];

const ChangeSets = z.tuple([z.object({ changes: z.array(z.tuple([z.string(), Hex.nullable()])) })]);

function decodeStored(bytes: string | null, { meta }: StorageEntry): Known<unknown> {
  if (bytes === null && meta.modifier.isOptional) return known(null);
  const registry = meta.registry;
  const type = unwrapStorageType(registry, meta.type);
  return decodeExactly(type, bytes ?? meta.fallback.toHex(), { registry });
}
