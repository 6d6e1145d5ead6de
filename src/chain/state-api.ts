import type { ApiPromise } from '@polkadot/api/cjs/index';
import { z } from 'zod';
import type { Known } from './chain.ts';
import { parseAnswer } from './decode.ts';
import { known, unavailable } from './known.ts';
import { type At, readRuntimeVersion, type StateApi } from './reads.ts';

type Deps = Readonly<{ api: ApiPromise }>;

/**
 * What decodes the storage of one block: the runtime that wrote it, which before an upgrade was not the one that
 * the connection knows. By another one's metadata absent items would pass for defaults, and moved ones for
 * absent. 'unavailable' when the node does not have the state of the block's parent; transport errors are thrown.
 */
export async function readStorageApi(at: At, deps: Deps): Promise<Known<StateApi>> {
  const writer = await readWriter(at, deps);
  return writer.known ? known(await apiOf(at, writer.value, deps)) : writer;
}

/**
 * The same for what runtime APIs tell as well. 'unavailable' for a block that upgrades the runtime too: the old
 * one wrote its storage, which the new one has not migrated yet, but would read.
 */
export async function readStateApi(at: At, deps: Deps): Promise<Known<StateApi>> {
  const spec = await readOnlySpec(at, deps);
  return spec.known ? known(await apiOf(at, spec.value, deps)) : spec;
}

/**
 * The version of the runtime that ran a block and runs the next one. 'unavailable' when it is not the one that
 * the connection knows, and can sign for; transport errors are thrown.
 */
export async function readSpecVersion(at: At, deps: Deps): Promise<Known<number>> {
  const spec = await readOnlySpec(at, deps);
  const ours = deps.api.runtimeVersion.specVersion.toNumber();
  return !spec.known || spec.value === ours
    ? spec
    : unavailable(`spec ${spec.value} ran block ${at.block}, the connection knows spec ${ours}`);
}

/** The version of the runtime before and after a block that does not upgrade it. */
async function readOnlySpec(at: At, deps: Deps): Promise<Known<number>> {
  const [writer, reader] = await Promise.all([readWriter(at, deps), readRuntimeVersion(at, deps)]);
  if (!writer.known || !reader.known || writer.value === reader.value)
    return reader.known ? writer : reader;
  return unavailable(`block ${at.block} upgrades spec ${writer.value} to spec ${reader.value}`);
}

/** The version of the runtime that ran a block: the one that the state of its parent holds. Genesis was not run. */
async function readWriter(at: At, { api }: Deps): Promise<Known<number>> {
  if (at.block === 0) return readRuntimeVersion(at, { api });
  const answer = await api.rpc.chain.getHeader.raw<unknown>(`0x${at.blockHash}`);
  const header = parseAnswer(Header.nullable(), answer, `header of block ${at.block}`);
  if (!header.known) return header;
  if (header.value === null) return unavailable(`the node does not know block ${at.block}`);
  const parent = { block: at.block - 1, blockHash: header.value.parentHash.slice(2) };
  return readRuntimeVersion(parent, { api });
}

const Header = z.object({ parentHash: z.string().regex(/^0x[0-9a-f]{64}$/) });

async function apiOf(at: At, spec: number, { api }: Deps): Promise<StateApi> {
  if (spec === api.runtimeVersion.specVersion.toNumber()) return api;
  const { query, call, registry } = await api.at(`0x${at.blockHash}`);
  return { query, call, registry, rpc: api.rpc };
}
