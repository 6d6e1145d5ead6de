import type { ApiPromise } from '@polkadot/api/cjs/index';
import { Metadata, TypeRegistry } from '@polkadot/types/cjs/index';
import { hexToU8a } from '@polkadot/util/cjs/index';
import { z } from 'zod';
import { AppError, isAppError } from '../errors.ts';
import type { NodeFacts, Runtime } from './connection-api.ts';
import { outage, shaped } from './connection-message.ts';
import type { Wire } from './connection-socket.ts';
import { SS58_PREFIX } from './hotkey.ts';

/** The newest one is asked for; from 15 on metadata names the runtime APIs. */
const METADATA_VERSIONS = [16, 15, 14];

/** BLAKE2b-64 of `Metadata`: the name under which a runtime lists the API that gives its metadata. */
const METADATA_API = '0x37e397fc7c91f5e4';

const Hash = z.string().regex(/^0x[0-9a-f]{64}$/);
const Hex = z.templateLiteral(['0x', z.string().regex(/^([0-9a-f]{2})*$/)]);
const Version = z.looseObject({
  specVersion: z.int().min(0),
  apis: z.array(z.tuple([z.string(), z.int()])),
});
const Properties = z.looseObject({ ss58Format: z.int().nullish() });

/** Metadata as last given by each endpoint, by its URL: what one node says is not taken for another's word. */
export type MetadataCache = Map<string, Readonly<{ specVersion: number; metadata: `0x${string}` }>>;

/** What a node says about itself. Throws a foreign identity, see `isForeign`. */
export async function readFacts(wire: Wire, genesis: string): Promise<NodeFacts> {
  const found = shaped(Hash, await wire.call('chain_getBlockHash', [0]), 'chain_getBlockHash');
  if (found !== `0x${genesis}`) throw foreign('genesis hash', found, `0x${genesis}`);
  const [chain, properties] = await Promise.all([
    wire.call('system_chain', []),
    wire.call('system_properties', []),
  ]);
  return {
    genesis: `0x${genesis}`,
    chain: shaped(z.string(), chain, 'system_chain'),
    properties: shaped(Properties, properties, 'system_properties'),
  };
}

/** The runtime of the node's best block. Its metadata is fetched once for each version and endpoint. */
export async function readRuntime(wire: Wire, url: string, cache: MetadataCache): Promise<Runtime> {
  const version = await wire.call('state_getRuntimeVersion', []);
  const { specVersion, apis } = shaped(Version, version, 'state_getRuntimeVersion');
  const cached = cache.get(url);
  if (cached?.specVersion === specVersion) return { version, ...cached };
  const versioned = apis.some(([api, number]) => api === METADATA_API && number >= 2);
  const metadata = versioned
    ? await readMetadata(wire)
    : shaped(Hex, await wire.call('state_getMetadata', []), 'state_getMetadata');
  // polkadot.js prints what it cannot decode, so it is given only what was decoded once before.
  new Metadata(new TypeRegistry(), metadata);
  return { version, specVersion, metadata };
}

/**
 * Checks what a node said against the metadata that it gave: the address format, and that its metadata is
 * of the version that it names. Throws a foreign identity, or an outage when an upgrade came in between.
 */
export function checkRuntime(
  api: ApiPromise,
  { properties: { ss58Format } }: NodeFacts,
  runtime: Runtime,
): void {
  const constant = api.consts['system']?.['ss58Prefix']?.toJSON();
  const prefixes = [constant, ss58Format].filter((prefix) => prefix != null);
  if (prefixes.length === 0 || prefixes.some((prefix) => prefix !== SS58_PREFIX)) {
    throw foreign('ss58 prefix', JSON.stringify(prefixes), `${SS58_PREFIX}`);
  }
  const named = Version.safeParse(api.consts['system']?.['version']?.toJSON()).data?.specVersion;
  if (named !== undefined && named !== runtime.specVersion) {
    throw outage('metadata', `spec ${named} where spec ${runtime.specVersion} was expected`);
  }
}

/** The spec version in an answer or a notice of the runtime version. Throws when it names none. */
export function specOf(version: unknown): number {
  return shaped(Version, version, 'the runtime version').specVersion;
}

/** True for the error that another network, or another kind of one, is behind the address. */
export function isForeign(error: unknown): boolean {
  return isAppError(error, 'chain.unavailable') && error.details['about'] === IDENTITY;
}

async function readMetadata(wire: Wire): Promise<`0x${string}`> {
  const registry = new TypeRegistry();
  const call = async (method: string, argument: string) =>
    shaped(Hex, await wire.call('state_call', [method, argument]), method);
  const listed = await call('Metadata_metadata_versions', '0x');
  const offered = registry.createType('Vec<u32>', listed).map((version) => version.toNumber());
  const chosen = METADATA_VERSIONS.find((version) => offered.includes(version));
  if (chosen === undefined) throw outage('metadata', `only the versions ${offered.join(', ')}`);
  const argument = registry.createType('u32', chosen).toHex(true);
  const given = await call('Metadata_metadata_at_version', argument);
  // As bytes: text would be taken for the content of the Option, not for its encoding.
  const metadata = registry.createType('Option<OpaqueMetadata>', hexToU8a(given));
  if (metadata.isNone) throw outage('metadata', `none of the listed version ${chosen}`);
  return metadata.unwrap().toHex();
}

const IDENTITY = 'identity';

function foreign(field: string, found: string, expected: string): AppError {
  return new AppError('chain.unavailable', { about: IDENTITY, field, found, expected });
}
