import { type Block, type Blocks, createBlocks } from './blocks.ts';
import { buildBlock, genesisBlock, type Version } from './build-block.ts';
import { type BlockExtra, createCodec, type DevCodec } from './codec.ts';
import type { FaultState } from './fault-state.ts';
import type { Genesis } from './genesis.ts';
import { createPool, type NonceOf, type Pool, type Status } from './pool.ts';
import type { RpcError } from './rpc-error.ts';
import { type Beacon, beaconOf, genesisState } from './runtime.ts';
import { FIRST_SPEC_VERSION, TRANSACTION_VERSION } from './runtime-version.ts';
import type { DevState } from './state.ts';
import { checkTransaction, type Transaction } from './transaction.ts';
import { rootOf } from './trie.ts';

/** What happens in the node, in the order in which its clients hear of it. */
export type Notice =
  | { readonly kind: 'imported' | 'best' | 'finalized'; readonly block: Block }
  | { readonly kind: 'status'; readonly hash: string; readonly status: Status };

/** The node without its network: blocks, a pool, and who listens. */
export type Node = Readonly<{
  codec: DevCodec;
  blocks: Blocks;
  pool: Pool;
  genesisHash: string;
  listeners: Set<(notice: Notice) => void>;
  nonceOf: NonceOf;
  beacon: Beacon;
  finalityLag: number;
  faults: FaultState;
  /** What the next block's state is first made from its parent's by, beside the rules. */
  amendments: ((state: DevState) => DevState)[];
  /** Of the next block. The one thing here that changes in place. */
  version: { -readonly [Key in keyof Version]: Version[Key] };
}>;

export type NodeOptions = Readonly<{ finalityLag: number; keepStates: number }>;

/** Substrate's own patience with a block that does not become final. */
const FINALITY_TIMEOUT_BLOCKS = 512;

/** A chain at its genesis block. */
export function createNode(genesis: Genesis, options: NodeOptions, faults: FaultState): Node {
  const version = { branch: 0, specVersion: FIRST_SPEC_VERSION };
  const codec = createCodec();
  const state = genesisState(genesis);
  const first = genesisBlock(state, version.specVersion, {
    blockHashes: () => null,
    stateRoot: stateRootOf(codec),
  });
  const blocks = createBlocks(first, state, options.keepStates);
  const listeners: Node['listeners'] = new Set();
  const pool = createPool((hash, status) => {
    for (const listener of listeners) listener({ kind: 'status', hash, status });
  });
  return {
    codec,
    blocks,
    pool,
    genesisHash: first.hash,
    listeners,
    nonceOf: (signer) => blocks.bestState().nonces.get(signer) ?? 0,
    beacon: beaconOf(genesis),
    finalityLag: options.finalityLag,
    faults,
    amendments: [],
    version,
  };
}

/** Checks an extrinsic and takes it into the pool. The bytes are attacker-controlled. */
export function submit(
  node: Node,
  bytes: Uint8Array,
): { readonly hash: string } | { readonly refused: RpcError } {
  const checked = check(node, bytes);
  if ('refused' in checked) return checked;
  const refused = node.pool.add(checked, node.nonceOf);
  return refused === null ? { hash: checked.hash } : { refused };
}

/** One more block on the best chain. */
export function produce(node: Node): void {
  bestChanged(node, build(node));
}

/**
 * Replaces the newest `depth` blocks, none of them final, by a branch that is one block longer: only a
 * longer one displaces the best chain. Their extrinsics are back in the pool, or gone.
 */
export function reorg(node: Node, depth: number, extrinsics: 'return' | 'drop'): void {
  const { blocks, pool, version } = node;
  const retracted = blocks.rewind(depth);
  version.branch += 1;
  for (const block of retracted) tellOfBlock(node, block, { retracted: `0x${block.hash}` });
  recheckPool(node);
  for (const transaction of retracted.toReversed().flatMap(({ transactions }) => transactions))
    giveBack(node, transaction, extrinsics);
  pool.settle(blocks.best().number + 1, node.nonceOf);
  const branch = Array.from({ length: depth + 1 }, () => build(node));
  bestChanged(node, branch.at(-1) ?? blocks.best());
}

/** Finality follows the best block, unless it is stalled. */
export function followFinality(node: Node): void {
  const { blocks, faults } = node;
  const best = blocks.best().number;
  if (!faults.finalityStalled) {
    const newly = blocks.finalize(best - node.finalityLag);
    for (const block of newly) tellOfBlock(node, block, { finalized: `0x${block.hash}` });
    // Finality can jump; clients hear of the last block alone, as from a real node.
    const last = newly.at(-1);
    if (last !== undefined) tell(node, { kind: 'finalized', block: last });
  }
  const late = blocks.byNumber(best - FINALITY_TIMEOUT_BLOCKS);
  if (late !== undefined && late.number > blocks.finalized().number)
    tellOfBlock(node, late, { finalityTimeout: `0x${late.hash}` });
}

/** What the codec has to know of a block beside its state. */
export function extraOf({ blocks }: Node, block: Block): BlockExtra {
  return {
    parentHash: block.parentHash,
    events: block.events,
    specVersion: block.specVersion,
    blockHashes: (number) =>
      number < block.number ? (blocks.byNumber(number)?.hash ?? null) : null,
  };
}

function check({ blocks, codec, genesisHash }: Node, bytes: Uint8Array) {
  return checkTransaction(
    bytes,
    {
      state: blocks.bestState(),
      genesisHash,
      specVersion: blocks.best().specVersion,
      transactionVersion: TRANSACTION_VERSION,
      hashOf: (number) => blocks.byNumber(number)?.hash ?? null,
    },
    codec,
  );
}

/** A block on the best one, of which only the newest heads are not told yet. */
function build(node: Node): Block {
  const { blocks, codec, pool, faults, version, beacon, nonceOf } = node;
  const amended = node.amendments
    .splice(0)
    .reduce((state, amend) => amend(state), blocks.bestState());
  const parent = { block: blocks.best(), state: amended };
  const candidates = parent.block.number < faults.heldUntil ? [] : pool.ready();
  const { block, state, refused } = buildBlock(parent, candidates, version, {
    beacon,
    blockHashes: (number) => blocks.byNumber(number)?.hash ?? null,
    stateRoot: stateRootOf(codec),
  });
  blocks.append(block, state);
  tell(node, { kind: 'imported', block });
  for (const { hash } of block.transactions) pool.remove(hash, { inBlock: `0x${block.hash}` });
  for (const { hash } of refused) pool.remove(hash, 'invalid');
  if (block.specVersion !== parent.block.specVersion) recheckPool(node);
  pool.settle(block.number + 1, nonceOf);
  return block;
}

function stateRootOf({ trieOf }: DevCodec) {
  return (state: DevState, extra: BlockExtra): string =>
    Buffer.from(rootOf(trieOf(state, extra))).toString('hex');
}

/** A signature is over the runtime's version and the hash of a block: both can be others now. */
function recheckPool(node: Node): void {
  for (const { hash, bytes } of node.pool.all())
    if ('refused' in check(node, bytes)) node.pool.remove(hash, 'invalid');
}

function bestChanged(node: Node, block: Block): void {
  tell(node, { kind: 'best', block });
  followFinality(node);
}

function giveBack(node: Node, { hash, bytes }: Transaction, extrinsics: 'return' | 'drop'): void {
  if (extrinsics === 'drop') {
    tell(node, { kind: 'status', hash, status: 'dropped' });
    return;
  }
  if ('refused' in submit(node, bytes)) tell(node, { kind: 'status', hash, status: 'invalid' });
}

function tellOfBlock(node: Node, block: Block, status: Status): void {
  for (const { hash } of block.transactions) tell(node, { kind: 'status', hash, status });
}

function tell({ listeners }: Node, notice: Notice): void {
  for (const listener of listeners) listener(notice);
}
