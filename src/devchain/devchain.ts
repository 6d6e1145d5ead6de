import { cryptoReady } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import type { Block } from './blocks.ts';
import { noFaults } from './fault-state.ts';
import { type FaultControl, faultControl, faultMethods } from './faults.ts';
import type { Genesis } from './genesis.ts';
import { createNode, type Node, produce } from './node.ts';
import { rpcMethods } from './rpc.ts';
import { serveRpc } from './server.ts';
import type { DevError, DevEvent, DevState } from './state.ts';

export type DevchainOptions = Readonly<{
  host?: string;
  /** 0 takes a free one. */
  port?: number;
  /** Milliseconds of real time between blocks; null builds none by itself. */
  blockMs: number | null;
  /** Blocks that the newest final one is behind the best. */
  finalityLag: number;
  /** Final blocks whose state can be read; 300, as on a lite node. */
  keepStates?: number;
}>;

type Head = Readonly<{ number: number; hash: string }>;

/** A running chain. Hashes are 64 hex digits. */
export type Devchain = Readonly<{
  url: string;
  genesisHash: string;
  heads: () => Readonly<{ best: Head; finalized: Head }>;
  produceBlock: (count?: number) => Promise<void>;
  /** Changes the state by more than the rules, as root could: the next block starts from the changed one. */
  amend: (change: (state: DevState) => DevState) => void;
  /** Throws `input.invalid` for a block that is not there, or whose state is discarded. */
  stateAt: (block?: number | 'best' | 'finalized') => DevState;
  /** Throws `input.invalid` for a hash that is of no block. */
  eventsOf: (blockHash: string) => readonly DevEvent[];
  /** Where the best chain holds an extrinsic, and what it came to there. */
  findExtrinsic: (hash: string) => FoundExtrinsic | null;
  faults: FaultControl;
  /** Connections at the moment; handshakes ever, refused ones too. */
  connections: () => Readonly<{ open: number; handshakes: number }>;
}> &
  AsyncDisposable;

type FoundExtrinsic = Readonly<{
  block: number;
  blockHash: string;
  finalized: boolean;
  error: DevError | null;
}>;

/** The states that a lite node keeps. */
const KEEP_STATES = 300;

/**
 * Starts a chain at its genesis and serves Substrate's JSON-RPC for it on this machine. It is gone, with
 * all of its blocks, when it is disposed of. Throws `input.invalid` for an address that can't be served.
 */
export async function startDevchain(genesis: Genesis, options: DevchainOptions): Promise<Devchain> {
  await cryptoReady();
  const { host = '127.0.0.1', port = 0, blockMs, finalityLag, keepStates = KEEP_STATES } = options;
  const state = noFaults();
  const node = createNode(genesis, { finalityLag, keepStates }, state);
  const target = {
    node,
    faults: state,
    dropConnections: (): void => server.dropConnections(),
  };
  const faults = faultControl(target);
  const methods = rpcMethods(node, faultMethods(target, faults));
  const server = await serveRpc({ host, port }, { methods, faults: state });
  const timer =
    blockMs === null
      ? undefined
      : setInterval(() => {
          if (!state.blocksStopped) produce(node);
        }, blockMs);
  return {
    url: server.url,
    genesisHash: node.genesisHash,
    heads: () => ({ best: headOf(node.blocks.best()), finalized: headOf(node.blocks.finalized()) }),
    produceBlock: faults.produceBlocks,
    amend: (change) => void node.amendments.push(change),
    stateAt: (block = 'best') => stateAt(node, block),
    eventsOf: (hash) => (node.blocks.byHash(hash) ?? missing('block', hash)).events,
    findExtrinsic: (hash) => findExtrinsic(node, hash),
    faults,
    connections: server.connections,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await server[Symbol.asyncDispose]();
    },
  };
}

function headOf({ number, hash }: Block): Head {
  return { number, hash };
}

function stateAt({ blocks }: Node, at: number | 'best' | 'finalized'): DevState {
  const block = typeof at === 'number' ? blocks.byNumber(at) : blocks[at]();
  return (block && blocks.stateOf(block)) ?? missing('block', at);
}

function findExtrinsic({ blocks }: Node, hash: string): FoundExtrinsic | null {
  const block = blocks.holding(hash);
  if (block === undefined) return null;
  const index = block.transactions.findIndex((transaction) => transaction.hash === hash);
  const failed = block.events.find(
    ({ event, extrinsic }) => event === 'System.ExtrinsicFailed' && extrinsic === index,
  );
  return {
    block: block.number,
    blockHash: block.hash,
    finalized: block.number <= blocks.finalized().number,
    error: failed?.event === 'System.ExtrinsicFailed' ? failed.error : null,
  };
}

function missing(field: string, value: unknown): never {
  throw new AppError('input.invalid', { field, value, expected: 'one that is kept' });
}
