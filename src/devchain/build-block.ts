import type { Block } from './blocks.ts';
import type { BlockExtra } from './codec.ts';
import { type Header, headerHash } from './header.ts';
import { blake2b256 } from './hex.ts';
import { type Beacon, dispatch, startBlock, validate } from './runtime.ts';
import type { DevCall, DevEvent, DevState } from './state.ts';
import type { Transaction } from './transaction.ts';

/** As many as fill a block of a real chain with calls of this size. */
const MAX_TRANSACTIONS = 256;

export type Built = Readonly<{
  block: Block;
  state: DevState;
  /** Extrinsics that the rules don't let in, though they once did. */
  refused: readonly Transaction[];
}>;

/** What only the node knows: the beacon, and how a state is committed to. */
export type Environment = Readonly<{
  beacon: Beacon;
  /** Hash of a block of the chain that is built on; null for any other number. */
  blockHashes: BlockExtra['blockHashes'];
  /** The root of the trie of a state, 64 hex digits. */
  stateRoot: (state: DevState, extra: BlockExtra) => string;
}>;

/** How a block differs from its parent by more than its content. */
export type Version = Readonly<{ branch: number; specVersion: number }>;

/**
 * The child of `parent` that includes as many of the candidates as fit, in their order. One that fails is
 * included too: it takes its nonce and leaves `ExtrinsicFailed`.
 */
export function buildBlock(
  parent: Readonly<{ block: Block; state: DevState }>,
  candidates: readonly Transaction[],
  version: Version,
  environment: Environment,
): Built {
  const opened = startBlock(parent.state, environment.beacon);
  let { state } = opened;
  const events: DevEvent[] = [...opened.events];
  const included: Transaction[] = [];
  const refused: Transaction[] = [];
  for (const candidate of candidates) {
    if (included.length === MAX_TRANSACTIONS) break;
    // Behind one that was refused, an account's others have to wait.
    if (candidate.nonce !== (state.nonces.get(candidate.signer) ?? 0)) continue;
    const applied = apply(state, candidate, included.length);
    if (applied === null) {
      refused.push(candidate);
      continue;
    }
    included.push(candidate);
    events.push(...applied.events);
    state = applied.state;
  }
  const content = { transactions: included, events, state };
  return { block: seal(parent.block, content, version, environment), state, refused };
}

/** The genesis block, of a state. */
export function genesisBlock(
  state: DevState,
  specVersion: number,
  { stateRoot, blockHashes }: Pick<Environment, 'stateRoot' | 'blockHashes'>,
): Block {
  const parentHash = '0'.repeat(64);
  const header = {
    parentHash,
    number: 0,
    stateRoot: stateRoot(state, { parentHash, events: [], specVersion, blockHashes }),
    extrinsicsRoot: blake2b256(new Uint8Array()),
    branch: 0,
  };
  return { ...header, hash: headerHash(header), transactions: [], events: [], specVersion };
}

type Applied = Readonly<{ state: DevState; events: readonly DevEvent[] }>;

/** Null when the extrinsic may not be in this block. */
function apply(state: DevState, transaction: Transaction, extrinsic: number): Applied | null {
  const { call, signer, nonce } = transaction;
  const outcome = run(state, call, signer);
  if (outcome === null) return null;
  const after = outcome.kind === 'ok' ? outcome.state : state;
  const events: readonly DevEvent[] =
    outcome.kind === 'ok'
      ? [...outcome.events, { extrinsic, event: 'System.ExtrinsicSuccess' }]
      : [{ extrinsic, event: 'System.ExtrinsicFailed', error: outcome.error }];
  return {
    state: { ...after, nonces: new Map(after.nonces).set(signer, nonce + 1) },
    events: events.map((event) => ({ ...event, extrinsic })),
  };
}

/** A panic of the rules costs the extrinsic its place, not the node its life; it is a fault of ours, so it is told. */
function run(state: DevState, call: DevCall, signer: string) {
  try {
    return validate(state, call, signer, state.block) === null
      ? dispatch(state, call, signer)
      : null;
  } catch (cause) {
    process.emitWarning(new Error(`${call.call} of ${signer} broke the rules' code`, { cause }));
    return null;
  }
}

type Content = Pick<Block, 'transactions' | 'events'> & Readonly<{ state: DevState }>;

function seal(
  parent: Block,
  { transactions, events, state }: Content,
  { branch, specVersion }: Version,
  { blockHashes, stateRoot }: Pick<Environment, 'blockHashes' | 'stateRoot'>,
): Block {
  const extrinsicsRoot = blake2b256(
    Buffer.concat(transactions.map(({ hash }) => Buffer.from(hash, 'hex'))),
  );
  const extra = { parentHash: parent.hash, events, specVersion, blockHashes };
  const header: Header = {
    parentHash: parent.hash,
    number: parent.number + 1,
    stateRoot: stateRoot(state, extra),
    extrinsicsRoot,
    branch,
  };
  return { ...header, hash: headerHash(header), transactions, events, specVersion };
}
