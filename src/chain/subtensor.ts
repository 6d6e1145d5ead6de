import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Signer } from '../consensus/keys.ts';
import type { Chain, Known, Metagraph, Sending, Signing } from './chain.ts';
import { chainError } from './chain-error.ts';
import { readCommitmentExtrinsics } from './commitment-extrinsics.ts';
import { readCommitmentProof } from './commitment-proof.ts';
import { readCommitments, readLatestCommitments } from './commitments.ts';
import {
  type Connection,
  type ConnectionDeps,
  type ConnectionOptions,
  openConnection,
} from './connection.ts';
import type { Link } from './connection-link.ts';
import { connectNode } from './connection-session.ts';
import type { ConnectionState } from './connection-state.ts';
import { readFinalized, readFinalizedAt } from './finalized.ts';
import { known, notFinal } from './known.ts';
import { readMetagraph } from './metagraph.ts';
import { type NodeFacts, readNode } from './node-facts.ts';
import { createSender } from './send.ts';
import { signCall } from './sign-call.ts';
import type { Random } from './timelocked-commit.ts';
import { createTracer } from './trace.ts';
import { readWeightsRow } from './weights-row.ts';

export type SubtensorOptions = ConnectionOptions &
  Readonly<{
    netuid: number;
    /** The hotkey that extrinsics are signed with; null for a reader. */
    signer: Signer | null;
    /** Goes with the weights; the chain may ask for a least one. */
    versionKey: bigint;
  }>;

export type SubtensorDeps = ConnectionDeps & Readonly<{ randomBytes: Random }>;

/** The chain behind a connection that can be looked at, and that is closed with `await using`. */
export type Subtensor = Chain &
  Readonly<{
    connection: () => ConnectionState;
    /** The node that answers, and the chain's own time at its newest finalised block. */
    node: () => Promise<Known<NodeFacts>>;
    /** The hash of a finalised block, 64 hex digits. */
    blockHash: (block: number) => Promise<Known<string>>;
  }> &
  AsyncDisposable;

/**
 * The chain as Bittensor's subtensor nodes tell it, over one connection that is kept for ever. Throws
 * `config.invalid` for endpoints or a genesis hash that cannot be used; after that an outage is a value.
 */
export function openSubtensor(
  options: SubtensorOptions,
  deps: Partial<SubtensorDeps> = {},
): Subtensor {
  const { randomBytes: random, ...connectionDeps } = { ...ownDeps(), ...deps };
  const connection = openConnection(options, connectionDeps);
  return {
    netuid: options.netuid,
    genesis: options.genesis,
    connection: connection.state,
    ...readings(options, connection),
    ...submissions(options, { connection, random }),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

type Readings = Pick<
  Subtensor,
  | 'node'
  | 'finalizedBlock'
  | 'metagraph'
  | 'commitments'
  | 'latestCommitments'
  | 'commitmentExtrinsics'
  | 'commitmentProof'
  | 'blockHash'
  | 'weightsOf'
>;

/** What is asked of finalised blocks. */
function readings({ netuid, genesis }: SubtensorOptions, connection: Connection): Readings {
  const metagraphs = new Map<number, Metagraph>();
  const readMetagraphAt = async (block: number): Promise<Known<Metagraph>> => {
    const early = tooEarly(block, connection.head());
    if (early !== null) return early;
    return read(connection, async (link) => {
      const at = await readFinalizedAt(block, { link });
      return at.known ? readMetagraph(link.api, { netuid, ...at.value }) : at;
    });
  };
  return {
    node: () => read(connection, (link) => readNode({ link })),
    finalizedBlock: async () => connection.head(),
    metagraph: async (block) => {
      const kept = metagraphs.get(block);
      if (kept !== undefined) return known(kept);
      const metagraph = await readMetagraphAt(block);
      if (metagraph.known) keep(metagraphs, metagraph.value);
      return metagraph;
    },
    commitments: async (hotkeys, range) => {
      const early = tooEarly(range.upTo, connection.head());
      if (early !== null) return early;
      return read(connection, async (link) => {
        const at = await readFinalizedAt(range.upTo, { link });
        return at.known ? readCommitments(link.api, { netuid, hotkeys, range }) : at;
      });
    },
    latestCommitments: (hotkeys) =>
      read(connection, async (link) => {
        const at = await readFinalized({ link });
        return at.known ? readLatestCommitments(link.api, { netuid, hotkeys, ...at.value }) : at;
      }),
    commitmentExtrinsics: (hotkey, blocks) =>
      read(connection, (link) =>
        readCommitmentExtrinsics({ netuid, genesis, hotkey, blocks }, { link }),
      ),
    commitmentProof: (hotkey, block) =>
      read(connection, (link) => readCommitmentProof({ netuid, hotkey, block }, { link })),
    blockHash: (block) =>
      read(connection, async (link) => {
        const at = await readFinalizedAt(block, { link });
        return at.known ? known(at.value.blockHash) : at;
      }),
    weightsOf: (hotkey) =>
      read(connection, async (link) => {
        const at = await readFinalized({ link });
        return at.known ? readWeightsRow(link.api, { netuid, hotkey, ...at.value }) : at;
      }),
  };
}

/** Extrinsics of this validator's hotkey. */
function submissions(
  { netuid, genesis, signer, versionKey }: SubtensorOptions,
  { connection, random }: Readonly<{ connection: Connection; random: Random }>,
): Pick<Chain, 'sign' | 'send' | 'trace'> {
  const trace = createTracer(signer?.hotkey ?? null);
  const sender = createSender();
  const oneByOne = createLane();
  return {
    sign: async (call) => {
      if (signer === null) return known(NO_SIGNER);
      const own = { netuid, hotkey: signer.hotkey, versionKey, genesis };
      return oneByOne(async () => {
        const signing = await read(connection, (link) =>
          signCall(call, own, { link, signer, random }),
        );
        if (signing.known && signing.value.kind === 'signed')
          sender.signed(signing.value.extrinsic);
        return signing;
      });
    },
    send: (extrinsic) =>
      oneByOne(async (): Promise<Sending> => {
        const sent = await connection.withApi((link) => sender.send(extrinsic, { link }));
        return sent.known ? sent.value : { kind: 'unknown', detail: sent.detail };
      }),
    trace: (extrinsic) => read(connection, (link) => trace(extrinsic, { link })),
  };
}

/** One reading over a lent link: that there is no node, and what a node answers, are one answer. */
async function read<T>(
  connection: Connection,
  use: (link: Link) => Promise<Known<T>>,
): Promise<Known<T>> {
  const answer = await connection.withApi(use);
  return answer.known ? answer.value : answer;
}

/** A clock, chance and timers of this process. */
function ownDeps(): SubtensorDeps {
  return {
    now: () => performance.timeOrigin + performance.now(),
    random: Math.random,
    wait: async (ms, signal) => {
      // An abort ends the waiting, which is no error.
      await delay(ms, undefined, { signal }).catch(() => undefined);
    },
    connect: connectNode,
    signal: new AbortController().signal,
    randomBytes,
  };
}

const NO_SIGNER: Signing = {
  kind: 'refused',
  error: chainError('SigningKeyMissing', 'the chain was opened without a hotkey that can sign'),
};

/** The subnets of one decision; one of 1,024 neurons is a third of a megabyte. */
const MAX_METAGRAPHS = 4;

/** What is final never changes, so it is asked for once. */
function keep(metagraphs: Map<number, Metagraph>, metagraph: Metagraph): void {
  const [oldest] = metagraphs.keys();
  if (metagraphs.size >= MAX_METAGRAPHS && oldest !== undefined) metagraphs.delete(oldest);
  metagraphs.set(metagraph.block, metagraph);
}

function tooEarly(block: number, head: Known<number>): Known<never> | null {
  if (!head.known) return head;
  return block > head.value ? notFinal(block, head.value) : null;
}

/**
 * Runs one job after the other: a call is checked against the pool as the extrinsic before it left it, and
 * what became of a sending is known before the next one.
 */
function createLane(): <T>(job: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (job) => {
    const next = last.then(job);
    // A job that fails tells its own caller; the next one runs all the same.
    last = next.catch(() => undefined);
    return next;
  };
}
