import { EventEmitter } from 'node:events';
import { ApiPromise } from '@polkadot/api';
import type { ProviderInterface } from '@polkadot/rpc-provider/types';
import { rpcDefinitions } from '@polkadot/types';
import { DECLARED_EXTENSIONS } from './connection-extensions.ts';
import type { Wire } from './connection-socket.ts';

/** What a node says about itself once, as it said it. */
export type NodeFacts = Readonly<{
  /** Genesis hash, lower-case hex with 0x. */
  genesis: `0x${string}`;
  chain: unknown;
  properties: unknown;
  methods: unknown;
}>;

/** A runtime: the answer of `state_getRuntimeVersion`, and its metadata. */
export type Runtime = Readonly<{
  specVersion: number;
  version: unknown;
  metadata: `0x${string}`;
}>;

/**
 * An ApiPromise of one runtime over an open wire. Everything that its start asks for was asked before, so
 * nothing can be lost, printed or thrown in between. It never follows an upgrade of the runtime: after one
 * it would know no runtime APIs, because polkadot.js then asks for metadata of version 14. Whoever built
 * it disconnects it; that leaves the wire open.
 */
export async function buildApi(
  wire: Wire,
  facts: NodeFacts,
  runtime: Runtime,
): Promise<ApiPromise> {
  const api = new ApiPromise({
    provider: providerOver(wire, facts, runtime),
    metadata: { [`${facts.genesis}-${runtime.specVersion}`]: runtime.metadata },
    signedExtensions: DECLARED_EXTENSIONS,
    rpc: SILENT_RPC,
    noInitWarn: true,
  });
  try {
    return await api.isReadyOrError;
  } catch (error) {
    await api.disconnect();
    throw error;
  }
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

/** The one subscription that polkadot.js opens by itself, and on whose failure it ends the process. */
const RUNTIME_VERSION = 'state_runtimeVersion';

function providerOver(wire: Wire, facts: NodeFacts, runtime: Runtime): ProviderInterface {
  const events = new EventEmitter();
  const known = new Map<string, unknown>([
    [question('chain_getBlockHash', [0]), facts.genesis],
    [question('system_chain', []), facts.chain],
    [question('system_properties', []), facts.properties],
    [question('rpc_methods', []), facts.methods],
    [question('state_getRuntimeVersion', []), runtime.version],
  ]);
  const send = (method: string, params: unknown[]): unknown =>
    known.get(question(method, params)) ?? wire.call(method, params);
  return {
    hasSubscriptions: true,
    isClonable: false,
    isConnected: true,
    clone: () => {
      throw new TypeError('one connection has one provider');
    },
    connect: async () => {},
    disconnect: async () => {
      events.emit('disconnected');
    },
    on: (type, listener) => {
      events.on(type, listener);
      return () => events.off(type, listener);
    },
    // safe: the caller names the type of what the method answers, as with every JSON-RPC provider.
    send: async <T>(method: string, params: unknown[]) => (await send(method, params)) as T,
    subscribe: async (type, method, params, notify) =>
      type === RUNTIME_VERSION ? RUNTIME_VERSION : wire.subscribe(method, params, notify),
    unsubscribe: async (type, method, id) =>
      type === RUNTIME_VERSION || (await wire.unsubscribe(method, String(id))) === true,
  };
}

function question(method: string, params: readonly unknown[]): string {
  return `${method} ${JSON.stringify(params)}`;
}
