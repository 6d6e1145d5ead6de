import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { axonAddress } from '../chain/axon.ts';
import { isSs58 } from '../chain/hotkey.ts';
import { AppError } from '../errors.ts';
import { Block, Hex32, StakeRao, Uid } from '../events/scalars.ts';

/** A subnet of 4,096 neurons is 1.5 MB; mainnet allows 1,024 at most. */
const MAX_FILE_BYTES = 2 * 1024 * 1024;
const MAX_NEURONS = 4_096;
/** The storage index of a mechanism is mechanism × 4096 + netuid. */
const MAX_NETUID = 4_095;

const U16 = z.int().min(0).max(65_535);
const U64 = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,19})$/, 'a whole number as a decimal string')
  .refine((text) => BigInt(text) < 1n << 64n, 'below 2^64');
const Address = z.string().refine(isSs58, 'an ss58 address with prefix 42 and a valid checksum');
const AxonUrl = z
  .string()
  .refine(
    (text) => axonAddress(text) !== null,
    'a URL such as http://127.0.0.1:8091, by IP address',
  );

/** Hyperparameters by the names of the pallet; what is left out is as on mainnet. */
const Hyperparameters = z.strictObject({
  tempo: U16.min(1).default(360),
  kappa: U16.default(32_767),
  minAllowedWeights: U16.default(1_024),
  weightsVersionKey: U64.default('0'),
  weightsSetRateLimit: Block.default(100),
  activityCutoff: U16.default(5_000),
  maxAllowedValidators: U16.default(128),
  commitRevealEnabled: z.boolean().default(true),
  revealPeriodEpochs: z.int().min(1).max(100).default(1),
  commitRevealVersion: U16.default(4),
  stakeThreshold: StakeRao.default('1000000000000'),
  /** 0.18 of 2^64. */
  taoWeight: U64.default('3320413933267719290'),
  immunityPeriod: U16.default(4_096),
  bondsMovingAverage: z.int().min(0).max(1_000_000).default(900_000),
  bondsPenalty: U16.default(65_535),
  maxSpace: z.int().min(0).max(4_294_967_295).default(3_100),
});

const GenesisNeuron = z.strictObject({
  hotkey: Address,
  coldkey: Address,
  alphaStake: StakeRao.default('0'),
  /** Root stake, which counts for `taoWeight` of it. */
  taoStake: StakeRao.default('0'),
  permit: z.boolean().default(false),
  axon: AxonUrl.nullable().default(null),
});

/**
 * The development chain before its first block: one subnet, and the drand beacon that it follows. Position
 * in `neurons` is the uid; without an owner, uid 0 is the owner's.
 */
export const Genesis = z
  .strictObject({
    netuid: Uid.min(1).max(MAX_NETUID).default(36),
    /** The time of block 0; block n is `n × slotMs` later. */
    genesisTimeMs: z.int().min(0).default(1_764_000_000_000),
    slotMs: z.int().min(1).default(12_000),
    beacon: z.strictObject({
      /** The beacon's secret key follows from it: whoever knows it can open every commit. */
      seed: Hex32,
      /** Seconds; quicknet's. */
      genesisTime: z.int().min(0).default(1_692_803_367),
      period: z.int().min(1).default(3),
    }),
    owner: z.strictObject({ hotkey: Address, coldkey: Address }).nullable().default(null),
    hyperparameters: Hyperparameters.prefault({}),
    neurons: z.array(GenesisNeuron).min(1).max(MAX_NEURONS),
  })
  .superRefine(({ genesisTimeMs, beacon, neurons }, context) => {
    if (beacon.genesisTime * 1_000 > genesisTimeMs)
      fault(context, ['beacon', 'genesisTime'], 'not after genesisTimeMs: round 1 is in the past');
    const seen = new Set<string>();
    for (const [uid, { hotkey }] of neurons.entries()) {
      if (seen.has(hotkey)) fault(context, ['neurons', uid, 'hotkey'], 'a hotkey only once');
      seen.add(hotkey);
    }
  });
export type Genesis = z.infer<typeof Genesis>;

/** Reads a genesis file (JSON). Throws `input.invalid`, which names every field at fault, and `file.unreadable`. */
export async function readGenesis(path: string): Promise<Genesis> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('file.unreadable', { file: path, expected: 'a genesis file' }, { cause });
  }
  if (text.length > MAX_FILE_BYTES) {
    throw new AppError('input.invalid', {
      file: path,
      value: `${text.length} characters`,
      expected: `at most ${MAX_FILE_BYTES}`,
    });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AppError('input.invalid', { file: path, expected: 'JSON' }, { cause });
  }
  const parsed = Genesis.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AppError('input.invalid', {
    file: path,
    faults: parsed.error.issues.slice(0, MAX_FAULTS).map(({ path: field, message }) => ({
      field: field.join('.') || 'the whole file',
      value: valueAt(json, field),
      expected: message,
    })),
  });
}

/** More faults than these say nothing new. */
const MAX_FAULTS = 10;

function fault(context: z.RefinementCtx, path: (string | number)[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}

function valueAt(json: unknown, field: readonly PropertyKey[]): unknown {
  let value = json;
  for (const key of field) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
