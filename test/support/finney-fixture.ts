import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Metadata, Option, Struct, TypeRegistry } from '@polkadot/types/cjs/index';
import { u8aConcat, u8aToHex } from '@polkadot/util/cjs/index';
import { z } from 'zod';
import { type Answers, type RecordedNode, recordedNode } from './recorded-node.ts';

/** Recordings of Finney lie beside the project where they are at all; nothing of them is in it. */
const FIXTURES = new URL('../../../shared/fixtures/', import.meta.url);
export const hasFixtures = existsSync(FIXTURES);

/** Netuid 1 at the recorded block. */
export const FINNEY = {
  netuid: 1,
  block: 6_852_690,
  blockHash: 'db13c066e2c63969f140164fb3bfe7a0aaa7b71407fc0fe525d68e57329ef9d0',
};

export function readFixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(fileURLToPath(new URL(path, FIXTURES))));
}

export function readFixtureJson(path: string): unknown {
  return JSON.parse(Buffer.from(readFixture(path)).toString());
}

/**
 * A node that has the recorded block alone: every field of the metagraph of netuid 1, of which it gives
 * those that are asked for, and nothing in storage but `given`.
 */
export function finneyNode({
  metadataVersion = 15,
  ...given
}: Partial<Pick<Answers, 'call' | 'storage'>> & {
  readonly metadataVersion?: 14 | 15;
} = {}): Promise<RecordedNode> {
  const { state_getRuntimeVersion } = Recorded.parse(readFixtureJson('metagraph-343/rpc.json'));
  return recordedNode({
    metadata: readFixture(`metadata/finney-spec343.v${metadataVersion}.scale`),
    runtimeVersion: state_getRuntimeVersion,
    blockHash: (block) =>
      block === FINNEY.block ? `0x${FINNEY.blockHash}` : `0x${'00'.repeat(32)}`,
    call: (_method, args) => finneyMetagraph(args),
    storage: () => null,
    ...given,
  });
}

/**
 * The answer for these arguments. The recording holds all fields; the runtime gives none for those that it
 * was not asked for. `edit` may change the bytes of a field before they are sent.
 */
export function finneyMetagraph(
  args: string,
  edit: (field: number, bytes: Uint8Array) => Uint8Array = (_field, bytes) => bytes,
): string {
  const { registry, fields: recorded } = recordedFields();
  const asked = registry
    .createType('(u16, u8, Vec<u16>)', args)[2]
    .map((field) => field.toNumber());
  const fields = recorded.map((bytes, field) =>
    field === 0 || asked.includes(field) ? edit(field, bytes) : Uint8Array.of(0),
  );
  return u8aToHex(u8aConcat([1], ...fields));
}

const Recorded = z.object({
  state_getRuntimeVersion: z.looseObject({ specVersion: z.int() }),
});

/** All fields of the recording, each with its option byte but for the netuid. */
const recordedFields = once(() => {
  const registry = new TypeRegistry();
  registry.setMetadata(
    new Metadata(registry, readFixture('metadata/finney-spec343.v15.scale')),
    undefined,
    { SubtensorTransactionExtension: NO_BYTES, DrandPriority: NO_BYTES },
  );
  const bytes = readFixture('metagraph-343/selective_mechagraph.netuid1.block6852690.scale');
  const option = registry.createTypeUnsafe(METAGRAPH, [bytes]);
  if (!(option instanceof Option)) throw new TypeError(`${METAGRAPH} is no option`);
  const metagraph = option.unwrap();
  if (!(metagraph instanceof Struct)) throw new TypeError(`${METAGRAPH} is no option of a struct`);
  return { registry, fields: [...metagraph.values()].map((value) => value.toU8a()) };
});

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const METAGRAPH = 'Option<PalletSubtensorRpcInfoMetagraphSelectiveMetagraph>';
const NO_BYTES = { extrinsic: {}, payload: {} };
