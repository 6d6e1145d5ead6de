import { z } from 'zod';

/** `run-<sequence>`, without leading zeros, so that one run has one name. */
export const RunId = z.string().regex(/^run-(0|[1-9][0-9]{0,8})$/, 'a run id such as run-7');
export type RunId = string;

/** A product line of the subnet. */
export const Family = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, 'a family such as general_chat');

/** An ss58 address with the generic prefix 42. Its checksum is verified where keys are used. */
export const Ss58 = z
  .string()
  .regex(/^5[1-9A-HJ-NP-Za-km-z]{47}$/, 'an ss58 address of 48 characters, prefix 42');

export const TaskId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
    'a task id of at most 128 characters [A-Za-z0-9._:-]',
  );

/** 32 bytes in lower-case hex: every digest. */
export const Hex32 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits');

/** 64 bytes in lower-case hex: an sr25519 signature. */
export const Signature = z.string().regex(/^[0-9a-f]{128}$/, '128 lower-case hex digits');

/** One score in units of 1e-9. */
export const ScoreNano = z.int().min(0).max(1_000_000_000);

/** Stake in rao (1e-9 TAO or alpha), as a decimal string because it may pass 2^53. */
export const StakeRao = z.string().regex(/^(0|[1-9][0-9]{0,29})$/, 'rao as a decimal string');

export const Block = z.int().min(0);
export const Uid = z.int().min(0).max(65_535);

/** RFC 3339 in UTC with milliseconds: the one form that `Date.prototype.toISOString` gives. */
export const Time = z.iso.datetime({ precision: 3 });

/** A fraction of the whole stake, in lowest terms by convention: 2/3 is `{num: 2, den: 3}`. */
export const Fraction = z.strictObject({
  num: z.int().min(0).max(1_000_000),
  den: z.int().min(1).max(1_000_000),
});
export type Fraction = z.infer<typeof Fraction>;

/** Room for a sentence, in UTF-16 units: the rest of what somebody wrote is his own business. */
const MAX_DETAIL = 400;

/** A sentence for people; what decides is the code beside it. */
export const Detail = z.string().max(MAX_DETAIL);

/** As much of a text as `Detail` holds. Others may have written it, and a lone surrogate has no EJ1 form. */
export function detailOf(text: string): string {
  return text.slice(0, MAX_DETAIL).toWellFormed();
}

/** The run's place in the sequence of runs: 7 for `run-7`. */
export function runSequence(run: RunId): number {
  return Number(run.slice('run-'.length));
}
