import { z } from 'zod';
import { AppError } from '../errors.ts';
import { type FaultState, noFaults } from './fault-state.ts';
import { followFinality, type Node, produce, reorg } from './node.ts';
import type { Status } from './pool.ts';

/** What faults act on. */
export type FaultTarget = Readonly<{
  node: Node;
  faults: FaultState;
  dropConnections: () => void;
}>;

/** At several hundred blocks a second, ten seconds. */
const MAX_BLOCKS = 5_000;
/** Half an hour: longer than any deadline of a client. */
const MAX_DELAY_MS = 1_800_000;
/** Faults that stand at one time, by method. */
const MAX_FAULTY_METHODS = 64;

const MethodName = z.string().regex(/^[a-zA-Z]+_[a-zA-Z0-9]+$/, 'a method such as state_call');

/**
 * Everything that a test, or a person with a WebSocket client, can make this chain do. Each entry is the
 * function `faults.<name>` in process and the method `dev_<name>` over JSON-RPC, with the same parameters.
 */
export const FAULTS = {
  produceBlocks: entry(
    '[count]',
    'builds blocks now',
    z.tuple([z.int().min(1).max(MAX_BLOCKS).optional()]),
    async ({ node }, count = 1) => {
      for (let built = 0; built < count; built += 1) {
        produce(node);
        await turn();
      }
    },
  ),
  stopBlocks: entry('', 'builds no block by itself', z.tuple([]), ({ faults }) => {
    faults.blocksStopped = true;
  }),
  resumeBlocks: entry('', 'builds blocks at its pace again', z.tuple([]), ({ faults }) => {
    faults.blocksStopped = false;
  }),
  stallFinality: entry('', 'makes no block final', z.tuple([]), ({ faults }) => {
    faults.finalityStalled = true;
  }),
  resumeFinality: entry('', 'catches up with finality', z.tuple([]), ({ faults, node }) => {
    faults.finalityStalled = false;
    followFinality(node);
  }),
  reorg: entry(
    'depth ["return" | "drop"]',
    'replaces the last blocks by a branch one longer; their extrinsics return to the pool',
    z.tuple([z.int().min(1), z.enum(['return', 'drop']).optional()]),
    ({ node }, depth, extrinsics = 'return') => {
      const { blocks } = node;
      const most = blocks.best().number - blocks.finalized().number;
      if (depth > most)
        throw new AppError('input.invalid', {
          field: 'depth',
          value: depth,
          expected: `at most ${most}: the other blocks are final`,
        });
      reorg(node, depth, extrinsics);
    },
  ),
  holdExtrinsics: entry(
    'blocks',
    'includes no extrinsic in the next blocks; 0 ends it',
    z.tuple([z.int().min(0)]),
    ({ node, faults }, count) => {
      faults.heldUntil = node.blocks.best().number + count;
    },
  ),
  evictExtrinsic: entry(
    'hash ["dropped" | "invalid" | "usurped"]',
    'throws an extrinsic out of the pool',
    z.tuple([
      z.string().regex(/^(0x)?[0-9a-f]{64}$/, 'the hash of an extrinsic'),
      z.enum(['dropped', 'invalid', 'usurped']).optional(),
    ]),
    ({ node }, hash, reason = 'dropped') => {
      const status: Status = reason === 'usurped' ? { usurped: `0x${'0'.repeat(64)}` } : reason;
      node.pool.remove(hash.replace('0x', ''), status);
    },
  ),
  rejectNextSubmission: entry(
    'reason',
    'refuses the next extrinsic with code 1010 and this reason, such as "Custom error: 6"',
    z.tuple([z.string().max(256)]),
    ({ faults }, data) => {
      faults.rejection = { code: 1_010, message: 'Invalid Transaction', data };
    },
  ),
  dropConnections: entry(
    '',
    'drops every connection now, without an answer',
    z.tuple([]),
    (target) => target.dropConnections(),
  ),
  refuseHandshakes: entry(
    '["429" | "reset"] [share] [seed]',
    'refuses a share of new connections, of 1 all, of 0 none any more; the seed says which',
    z.tuple([
      z.enum(['429', 'reset']).optional(),
      z.number().min(0).max(1).optional(),
      z.string().max(64).optional(),
    ]),
    ({ faults }, how = '429', share = 1, seed = '') => {
      faults.handshakes = { how, share, seed };
    },
  ),
  dropOnCall: entry(
    'method "before-call" | "before-answer" | "after-answer"',
    'drops the connection at the next call of a method',
    z.tuple([MethodName, z.enum(['before-call', 'before-answer', 'after-answer'])]),
    ({ faults }, name, time) => {
      bounded(faults.drops).set(name, time);
    },
  ),
  delayAnswers: entry(
    'method milliseconds',
    'lets calls of a method wait; 0 ends it',
    z.tuple([MethodName, z.int().min(0).max(MAX_DELAY_MS)]),
    ({ faults }, name, delayMs) => {
      bounded(faults.delays).set(name, delayMs);
    },
  ),
  failCalls: entry(
    'method [code] [message]',
    'answers calls of a method with an error; code 0 ends it',
    z.tuple([MethodName, z.int().optional(), z.string().max(256).optional()]),
    ({ faults }, name, code = -32_603, message = 'Internal error') => {
      if (code === 0) faults.errors.delete(name);
      else bounded(faults.errors).set(name, { code, message });
    },
  ),
  mute: entry('', 'keeps connections open and sends nothing on them', z.tuple([]), ({ faults }) => {
    faults.muted = true;
  }),
  unmute: entry('', 'sends again, but not what was lost', z.tuple([]), ({ faults }) => {
    faults.muted = false;
  }),
  spoilMetagraph: entry(
    '"empty" | "shrunken" | "malformed" | "missing"',
    'spoils what the metagraph API answers; null ends it',
    z.tuple([z.enum(['empty', 'shrunken', 'malformed', 'missing']).nullable()]),
    ({ faults }, fault) => {
      faults.metagraph = fault;
    },
  ),
  upgradeRuntime: entry('', 'raises specVersion with the next block', z.tuple([]), ({ node }) => {
    node.version.specVersion += 1;
  }),
  restart: entry('', 'forgets the pool and drops every connection', z.tuple([]), (target) => {
    target.node.pool.clear();
    target.dropConnections();
  }),
  reset: entry('', 'ends every fault that stands', z.tuple([]), ({ node, faults }) => {
    Object.assign(faults, noFaults());
    followFinality(node);
  }),
} as const;

function entry<Params extends z.ZodType<unknown[]>, Result>(
  usage: string,
  help: string,
  params: Params,
  run: (target: FaultTarget, ...params: z.infer<Params>) => Result,
) {
  return { usage, help, params, run };
}

/** Lets sockets take in what a block told them. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function bounded<Value>(faults: Map<string, Value>): Map<string, Value> {
  if (faults.size < MAX_FAULTY_METHODS) return faults;
  throw new AppError('input.invalid', {
    field: 'method',
    value: `${faults.size} methods`,
    expected: `at most ${MAX_FAULTY_METHODS} that are faulty: reset ends them all`,
  });
}
