import { z } from 'zod';
import { Block } from '../events/scalars.ts';
import type { Known } from './chain.ts';
import { parseAnswer, U16 } from './decode.ts';
import { empty, malformed } from './known.ts';
import { type At, callRuntime, MECHANISM, type StateApi } from './reads.ts';

/** What every answer has: the subnet and the block that it is of. */
export const Selected = z.object({ netuid: U16, block: Block });

/**
 * The fields of a subnet's metagraph that a schema names, as of one finalised block, in one runtime call.
 * 'empty' when the chain has no such subnet, 'malformed' for an answer of another shape, subnet or block;
 * else as of `callRuntime`.
 */
export async function readSelected<T extends z.infer<typeof Selected>>(
  schema: z.ZodType<T> & z.ZodObject,
  { netuid, ...at }: At & { readonly netuid: number },
  { api }: { readonly api: StateApi },
): Promise<Known<T>> {
  const args = [netuid, MECHANISM, fieldsOf(schema)];
  const called = await callRuntime(METHOD, args, at, { api });
  if (!called.known) return called;
  if (called.value === null) return empty(`block ${at.block} has no subnet ${netuid}`);
  const answer = parseAnswer<T>(schema, called.value, 'metagraph');
  if (!answer.known) return answer;
  const { value } = answer;
  if (value.netuid !== netuid)
    return malformed(`metagraph: it is of subnet ${value.netuid}, not ${netuid}`);
  if (value.block !== at.block)
    return malformed(`metagraph: it is of block ${value.block}, not ${at.block}`);
  return answer;
}

/** The pallet's numbers of the fields that a schema names. */
export function fieldsOf({ shape }: z.ZodObject): readonly number[] {
  return Object.entries(FIELDS).flatMap(([name, number]) => (name in shape ? [number] : []));
}

/** The runtime API that gives chosen fields of a subnet's mechanism, by its names in `api.call`. */
const METHOD = ['subnetInfoRuntimeApi', 'getSelectiveMechagraph'] as const;

/** The pallet's numbers; what is not asked for comes as null, but for the netuid. */
const FIELDS = {
  ownerHotkey: 5,
  block: 7,
  tempo: 8,
  kappa: 23,
  minAllowedWeights: 24,
  weightsVersion: 26,
  weightsRateLimit: 27,
  maxValidators: 29,
  numUids: 30,
  commitRevealWeightsEnabled: 46,
  commitRevealPeriod: 47,
  // With one entry for each uid from here on.
  hotkeys: 52,
  coldkeys: 53,
  axons: 55,
  active: 56,
  validatorPermit: 57,
  lastUpdate: 59,
  incentives: 62,
  blockAtRegistration: 66,
  totalStake: 69,
};
