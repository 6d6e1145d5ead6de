import { z } from 'zod';
import { AppError } from '../errors.ts';
import { type FaultState, noFaults } from './fault-state.ts';
import { followFinality, type Node, produce, reorg } from './node.ts';
import type { Status } from './pool.ts';
import { type Method, method } from './rpc-method.ts';

/** What faults act on. */
export type FaultTarget = Readonly<{
  node: Node;
  faults: FaultState;
  /** Drops every connection, after what is answered at the moment. */
  dropConnections: () => Promise<void>;
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
const TABLE = {
  produceBlocks: entry(
    'builds blocks now; [count]',
    z.tuple([z.int().min(1).max(MAX_BLOCKS).optional()]),
    async ({ node }, count = 1) => {
      for (let built = 0; built < count; built += 1) {
        produce(node);
        await turn();
      }
    },
  ),
  stopBlocks: entry('builds no block by itself', z.tuple([]), ({ faults }) => {
    faults.blocksStopped = true;
  }),
  resumeBlocks: entry('builds blocks at its pace again', z.tuple([]), ({ faults }) => {
    faults.blocksStopped = false;
  }),
  stallFinality: entry('makes no block final', z.tuple([]), ({ faults }) => {
    faults.finalityStalled = true;
  }),
  resumeFinality: entry('catches up with finality', z.tuple([]), ({ faults, node }) => {
    faults.finalityStalled = false;
    followFinality(node);
  }),
  reorg: entry(
    'replaces the last blocks by a branch one longer; depth, ["return" | "drop" their extrinsics]',
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
    'includes no extrinsic in the next blocks; how many blocks, 0 ends it',
    z.tuple([z.int().min(0)]),
    ({ node, faults }, count) => {
      faults.heldUntil = node.blocks.best().number + count;
    },
  ),
  evictExtrinsic: entry(
    'throws an extrinsic out of the pool; its hash, ["dropped" | "invalid" | "usurped"]',
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
    'refuses the next extrinsic with code 1010; the reason, such as "Custom error: 6"',
    z.tuple([z.string().max(256)]),
    ({ faults }, data) => {
      faults.rejection = { code: 1_010, message: 'Invalid Transaction', data };
    },
  ),
  dropConnections: entry('drops every connection now', z.tuple([]), (target) =>
    target.dropConnections(),
  ),
  refuseHandshakes: entry(
    'refuses new connections; ["429" | "reset"], [share 0 … 1], [seed of which ones]; a share of 0 ends it',
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
    'drops the connection at the next call of a method; the method, "before-call" | "before-answer" | "after-answer"',
    z.tuple([MethodName, z.enum(['before-call', 'before-answer', 'after-answer'])]),
    ({ faults }, name, time) => {
      bounded(faults.drops).set(name, time);
    },
  ),
  delayAnswers: entry(
    'lets calls of a method wait; the method, milliseconds, 0 ends it',
    z.tuple([MethodName, z.int().min(0).max(MAX_DELAY_MS)]),
    ({ faults }, name, delayMs) => {
      bounded(faults.delays).set(name, delayMs);
    },
  ),
  failCalls: entry(
    'answers calls of a method with an error; the method, [code], [message]; code 0 ends it',
    z.tuple([MethodName, z.int().optional(), z.string().max(256).optional()]),
    ({ faults }, name, code = -32_603, message = 'Internal error') => {
      if (code === 0) faults.errors.delete(name);
      else bounded(faults.errors).set(name, { code, message });
    },
  ),
  mute: entry('keeps connections open and sends nothing on them', z.tuple([]), ({ faults }) => {
    faults.muted = true;
  }),
  unmute: entry('sends again, but not what was lost', z.tuple([]), ({ faults }) => {
    faults.muted = false;
  }),
  spoilMetagraph: entry(
    'changes what the metagraph API answers; "empty" | "shrunken" | "malformed" | "missing", null ends it',
    z.tuple([z.enum(['empty', 'shrunken', 'malformed', 'missing']).nullable()]),
    ({ faults }, fault) => {
      faults.metagraph = fault;
    },
  ),
  upgradeRuntime: entry('raises specVersion with the next block', z.tuple([]), ({ node }) => {
    node.version.specVersion += 1;
  }),
  restart: entry('forgets the pool and drops every connection', z.tuple([]), (target) => {
    target.node.pool.clear();
    return target.dropConnections();
  }),
  reset: entry('ends every fault that stands', z.tuple([]), ({ node, faults }) => {
    Object.assign(faults, noFaults());
    followFinality(node);
  }),
} as const;

type Table = typeof TABLE;
type Name = keyof Table;

/** Faults on demand; each function says in `faultHelp` what it does. Throws `input.invalid`. */
export type FaultControl = {
  readonly [Key in Name]: (
    ...params: z.input<Table[Key]['params']>
  ) => ReturnType<Table[Key]['run']>;
};

export function faultControl(target: FaultTarget): FaultControl {
  const control = Object.entries(TABLE).map(([name, { params, run }]) => {
    const act = (...given: unknown[]): unknown => {
      const parsed = params.safeParse(given);
      if (!parsed.success)
        throw new AppError('input.invalid', {
          field: name,
          value: given,
          expected: z.prettifyError(parsed.error),
        });
      // safe: `entry` ties the parameters of `run` to its schema, which they have just passed
      return (run as Run)(target, ...parsed.data);
    };
    return [name, act] as const;
  });
  // safe: one function for each name, with the parameters and the result of its entry
  return Object.fromEntries(control) as FaultControl;
}

/** The same over JSON-RPC: each answers the best block's number. */
export function faultMethods({ node }: FaultTarget, control: FaultControl): Record<string, Method> {
  const methods = Object.entries(TABLE).map(([name, { params }]) => [
    `dev_${name}`,
    method(params, async (given) => {
      // safe: the name is one of the table's, and its schema has just parsed the parameters
      await (control[name as Name] as (...given: unknown[]) => unknown)(...given);
      return { result: node.blocks.best().number };
    }),
  ]);
  return Object.fromEntries(methods);
}

/** One line for each fault. */
export function faultHelp(): string {
  const width = Math.max(...Object.keys(TABLE).map((name) => `dev_${name}`.length));
  return Object.entries(TABLE)
    .map(([name, { help }]) => `  ${`dev_${name}`.padEnd(width)}  ${help}`)
    .join('\n');
}

type Run = (target: FaultTarget, ...params: unknown[]) => unknown;

function entry<Params extends z.ZodType<unknown[]>, Result>(
  help: string,
  params: Params,
  run: (target: FaultTarget, ...params: z.infer<Params>) => Result,
) {
  return { help, params, run };
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
