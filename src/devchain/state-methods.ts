import { z } from 'zod';
import type { Block } from './blocks.ts';
import type { BlockExtra } from './codec.ts';
import type { MetagraphFault } from './fault-state.ts';
import { toHex } from './hex.ts';
import { extraOf, type Node } from './node.ts';
import { stateError } from './rpc-error.ts';
import { Hash, Hex, type Method, method, type Reply } from './rpc-method.ts';
import { runtimeVersionOf } from './runtime-version.ts';
import type { DevState } from './state.ts';
import { proofOf } from './trie.ts';

/** Substrate's own limit of a page. */
const MAX_PAGE = 1_000;

const StorageKeys = z.array(Hex).max(MAX_PAGE);

/** `state_*`: reads at one block, the best one unless they name another. */
export function stateMethods(node: Node): Readonly<Record<string, Method>> {
  const getStorage = method(z.tuple([Hex, Hash.nullish()]), ([key, at]) =>
    atBlock(node, at, ({ state, extra }) => node.codec.storageValue(state, key, extra)),
  );
  return {
    state_getStorage: getStorage,
    state_getStorageAt: getStorage,
    state_queryStorageAt: method(z.tuple([StorageKeys, Hash.nullish()]), ([keys, at]) =>
      readStorage(node, keys, at),
    ),
    state_getReadProof: method(z.tuple([StorageKeys, Hash.nullish()]), ([keys, at]) =>
      atBlock(node, at, (view) => readProof(node, view, keys)),
    ),
    state_getKeysPaged: method(
      z.tuple([Hex, z.int().min(0), Hex.nullish(), Hash.nullish()]),
      ([prefix, count, start, at]) =>
        count > MAX_PAGE
          ? { error: stateError.pageTooLong(count, MAX_PAGE) }
          : atBlock(node, at, ({ state }) => pageOf(node, state, { prefix, count, start })),
    ),
    state_call: method(z.tuple([z.string(), Hex, Hash.nullish()]), ([api, args, at]) =>
      atBlock(node, at, (view) => callApi(node, view, api, args)),
    ),
    state_getMetadata: method(z.tuple([Hash.nullish()]), ([at]) =>
      atBlock(node, at, ({ block: { specVersion }, state }) => {
        const facts = { specVersion, slotMs: state.params.slotMs };
        return toHex(node.codec.metadata(14, facts));
      }),
    ),
    state_getRuntimeVersion: method(z.tuple([Hash.nullish()]), ([at]) =>
      atBlock(node, at, ({ block }) => versionJson(block.specVersion)),
    ),
  };
}

/** The values of keys, null for those that are absent. */
export function readStorage(node: Node, keys: readonly string[], at?: string | null): Reply {
  return atBlock(node, at, ({ block, state, extra }) => {
    const changes = keys.map((key) => [key, node.codec.storageValue(state, key, extra)]);
    return [{ block: `0x${block.hash}`, changes }];
  });
}

/** The runtime's version as the JSON-RPC has it, under other names than the runtime's own. */
export function versionJson(specVersion: number) {
  const { systemVersion, ...version } = runtimeVersionOf(specVersion);
  return { ...version, stateVersion: systemVersion };
}

type View = Readonly<{ block: Block; state: DevState; extra: BlockExtra }>;

/** Reads at a block, or says that there is no such block or no longer its state. */
function atBlock(node: Node, at: string | null | undefined, read: (view: View) => unknown): Reply {
  const block = typeof at === 'string' ? node.blocks.byHash(at) : node.blocks.best();
  if (block === undefined) return { error: stateError.unknown(at ?? '') };
  const state = node.blocks.stateOf(block);
  if (state === undefined) return { error: stateError.discarded(block.hash) };
  try {
    return { result: read({ block, state, extra: extraOf(node, block) }) };
  } catch (cause) {
    // What the codec can't read came from the client.
    return { error: stateError.failed(cause instanceof Error ? cause.message : String(cause)) };
  }
}

/** The nodes of the state's trie that lead to these keys, each once, in the order of their bytes. */
function readProof(node: Node, { block, state, extra }: View, keys: readonly string[]) {
  const trie = node.codec.trieOf(state, extra);
  const proof = keys.flatMap((key) => proofOf(trie, key.slice(2).toLowerCase()).map(toHex));
  return { at: `0x${block.hash}`, proof: [...new Set(proof)].toSorted() };
}

type Page = Readonly<{ prefix: string; count: number; start: string | null | undefined }>;

function pageOf({ codec }: Node, state: DevState, { prefix, count, start }: Page) {
  const keys = codec.storageKeys(state, prefix);
  return keys.filter((key) => key > (start ?? '')).slice(0, count);
}

const METAGRAPH_API = /^SubnetInfoRuntimeApi_get_(selective_)?(meta|mecha)graph$/;

function callApi(node: Node, { state, extra }: View, api: string, args: string): string {
  const fault = METAGRAPH_API.test(api) ? node.faults.metagraph : null;
  return answers[fault ?? 'honest']((seen) => node.codec.callApi(seen, api, args, extra), state);
}

type Ask = (state: DevState) => string;

/** A metagraph as it is, or as a broken node might give it. */
const answers: Readonly<Record<MetagraphFault | 'honest', (ask: Ask, state: DevState) => string>> =
  {
    honest: (ask, state) => ask(state),
    empty: (ask, state) => ask({ ...state, neurons: [] }),
    shrunken: (ask, state) =>
      ask({ ...state, neurons: state.neurons.slice(0, Math.ceil(state.neurons.length / 2)) }),
    /** Cut in the middle, in whole bytes. */
    malformed: (ask, state) => {
      const whole = ask(state);
      return whole.slice(0, 2 + 2 * Math.floor(whole.length / 4));
    },
    /** `None`: there is no such subnet. */
    missing: () => '0x00',
  };
