import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { Block, Hex32, Ss58, StakeRao, Uid } from '../events/scalars.ts';
import { Vector } from '../events/weights.ts';
import type { Chain, Known, Metagraph } from './chain.ts';

/** 1,024 neurons of 400 bytes; a larger file is not a snapshot. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * A subnet's state in a file: `block` is the newest finalised block, `snapshot` the metagraph since its
 * own block. Whoever keeps the file replaces it atomically.
 */
export const ChainFile = z.strictObject({
  netuid: Uid,
  genesis: Hex32,
  block: Block,
  snapshot: z.strictObject({
    block: Block,
    hash: Hex32,
    neurons: z.array(
      z.strictObject({
        uid: Uid,
        hotkey: Ss58,
        coldkey: Ss58,
        stake: StakeRao,
        permit: z.boolean(),
        active: z.boolean(),
        registeredAt: Block,
        incentive: z.int().min(0).max(65_535),
        axon: z.string().max(256).nullable(),
      }),
    ),
  }),
});
export type ChainFile = z.infer<typeof ChainFile>;

/** One line of a hotkey's weight record. */
const WeightLine = z.strictObject({ block: Block, vector: Vector });

/**
 * A chain that is a file: it reads the metagraph from `path`, and records the weights that would be
 * set, one line each, in `<path>.weights/<hotkey>.jsonl`. A missing or malformed file is an unknown
 * chain, not an exception. Throws `chain.unavailable` only here, at opening, where netuid and genesis
 * must be known.
 */
export async function openChainFile(path: string): Promise<Chain> {
  const first = await readChainFile(path);
  if (!first.known) {
    throw new AppError('chain.unavailable', {
      file: path,
      found: first.detail,
      next: 'give a metagraph snapshot in EIREL_CHAIN_FILE',
    });
  }
  const { netuid, genesis } = first.value;
  const weightsPath = (hotkey: string): string => join(`${path}.weights`, `${hotkey}.jsonl`);

  const read = async (): Promise<Known<ChainFile>> => {
    const file = await readChainFile(path);
    if (file.known && (file.value.netuid !== netuid || file.value.genesis !== genesis)) {
      return {
        known: false,
        reason: 'malformed',
        detail: 'the file is another network or subnet than at the start',
      };
    }
    return file;
  };
  return {
    netuid,
    genesis,
    finalizedBlock: async () => map(await read(), ({ block }) => ({ known: true, value: block })),
    metagraph: async (block) => map(await read(), (file) => metagraphAt(file, block)),
    setWeights: async (hotkey, vector) => {
      const file = await read();
      if (!file.known) return { kind: 'refused', reason: file.detail };
      await mkdir(dirname(weightsPath(hotkey)), { recursive: true });
      await appendFile(
        weightsPath(hotkey),
        `${JSON.stringify({ block: file.value.block, vector })}\n`,
      );
      return { kind: 'accepted', block: file.value.block, receipt: `file:${file.value.block}` };
    },
    weightsOf: (hotkey) => readWeights(weightsPath(hotkey)),
  };
}

/** The subnet as of a block: known from the snapshot's own block to the newest finalised one. */
function metagraphAt({ block: newest, snapshot }: ChainFile, block: number): Known<Metagraph> {
  if (block > newest)
    return {
      known: false,
      reason: 'not-final',
      detail: `block ${block} is not final, the newest final one is ${newest}`,
    };
  if (block < snapshot.block)
    return {
      known: false,
      reason: 'unavailable',
      detail: `the state of block ${block} is gone, the oldest kept is ${snapshot.block}`,
    };
  const neurons = snapshot.neurons.map(({ stake, ...neuron }) => ({
    ...neuron,
    stake: BigInt(stake),
  }));
  return { known: true, value: { block: snapshot.block, blockHash: snapshot.hash, neurons } };
}

async function readChainFile(path: string): Promise<Known<ChainFile>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return { known: false, reason: 'unavailable', detail: describe(error) };
  }
  if (text.length > MAX_FILE_BYTES)
    return {
      known: false,
      reason: 'malformed',
      detail: `longer than ${MAX_FILE_BYTES} characters`,
    };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { known: false, reason: 'malformed', detail: describe(error) };
  }
  const parsed = ChainFile.safeParse(json);
  return parsed.success
    ? { known: true, value: parsed.data }
    : { known: false, reason: 'malformed', detail: z.prettifyError(parsed.error).slice(0, 400) };
}

async function readWeights(path: string): Promise<Known<Vector | null>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { known: true, value: null };
    return { known: false, reason: 'unavailable', detail: describe(error) };
  }
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    return { known: true, value: WeightLine.parse(JSON.parse(last)).vector };
  } catch (error) {
    return { known: false, reason: 'malformed', detail: describe(error) };
  }
}

function map<A, B>(fact: Known<A>, next: (value: A) => Known<B>): Known<B> {
  return fact.known ? next(fact.value) : fact;
}

function describe(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 400);
}
