import { ApiPromise } from '@polkadot/api/cjs/index';
import type { ProviderInterface } from '@polkadot/rpc-provider/cjs/types';
import { rpcDefinitions } from '@polkadot/types/cjs/index';
import { DECLARED_EXTENSIONS } from './connection-extensions.ts';
import type { Wire } from './connection-socket.ts';

/** What a node says about itself once, as it said it. */
export type NodeFacts = Readonly<{
  /** Genesis hash, lower-case hex with 0x. */
  genesis: `0x${string}`;
  chain: string;
  properties: Readonly<{ ss58Format?: number | null | undefined }>;
}>;

/** A runtime: the answer of `state_getRuntimeVersion`, and its metadata. */
export type Runtime = Readonly<{
  specVersion: number;
  version: unknown;
  metadata: `0x${string}`;
}>;

/**
 * An ApiPromise of one runtime over an open wire. Everything that its start asks for was asked before, so
 * in between nothing can be lost, printed or thrown. It watches nothing by itself, so nothing of it has to
 * be released, and it never follows an upgrade of the runtime: after one, polkadot.js would know no runtime
 * APIs, because it then asks for metadata of version 14.
 */
export function buildApi(wire: Wire, facts: NodeFacts, runtime: Runtime): Promise<ApiPromise> {
  return ApiPromise.create({
    provider: providerOver(wire, facts, runtime),
    metadata: { [`${facts.genesis}-${runtime.specVersion}`]: runtime.metadata },
    signedExtensions: DECLARED_EXTENSIONS,
    rpc: SILENT_RPC,
    noInitWarn: true,
    throwOnConnect: true,
  });
}

/** polkadot.js prints every error of a call before it throws it; a caller that handles it needs no copy. */
const SILENT_RPC = Object.fromEntries(
  Object.entries(rpcDefinitions).map(([section, methods]) => [
    section,
    Object.fromEntries(
      Object.entries(methods).map(([name, method]) => [name, { ...method, noErrorLog: true }]),
    ),
  ]),
);

function providerOver(wire: Wire, facts: NodeFacts, runtime: Runtime): ProviderInterface {
  const known = new Map<string, unknown>([
    [question('chain_getBlockHash', [0]), facts.genesis],
    [question('system_chain', []), facts.chain],
    [question('system_properties', []), facts.properties],
    // Of an empty list polkadot.js makes nothing: a method that the node lacks is an error of the node
    // then, not one of the program, which would find no function.
    [question('rpc_methods', []), { methods: [] }],
    [question('state_getRuntimeVersion', []), runtime.version],
  ]);
  const send = (method: string, params: unknown[]): unknown =>
    known.get(question(method, params)) ?? wire.call(method, params);
  return {
    // With subscriptions polkadot.js would watch the runtime version, and end the process when that fails.
    hasSubscriptions: false,
    isClonable: false,
    isConnected: true,
    clone: () => unsupported('clone'),
    connect: async () => {},
    disconnect: async () => {},
    on: () => () => {},
    // safe: the caller names the type of what the method answers, as with every JSON-RPC provider.
    send: async <T>(method: string, params: unknown[]) => (await send(method, params)) as T,
    subscribe: async (_type, method) => unsupported(method),
    unsubscribe: async (_type, method) => unsupported(method),
  };
}

/** A read is calls and answers; what it subscribed to would outlive it. */
function unsupported(what: string): never {
  throw new TypeError(`${what} is not for reads of the chain`);
}

function question(method: string, params: readonly unknown[]): string {
  return `${method} ${JSON.stringify(params)}`;
}
