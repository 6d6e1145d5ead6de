import { AppError } from '../errors.ts';
import { fromHex } from './hex.ts';
import { type Scale, struct, vec } from './scale.ts';
import { bytes, fixedBytes } from './scale-basic.ts';
import { type Field, fieldsOf, pathOf, type Variant } from './scale-type.ts';
import type { DevData } from './state.ts';
import { count64 } from './types.ts';

const MAX_RAW_BYTES = 128;
const HASHES = ['BlakeTwo256', 'Sha256', 'Keccak256', 'ShaThree256'] as const;
/** Tags after `None` and Raw0 … Raw128. */
const FIRST_HASH_TAG = 2 + MAX_RAW_BYTES;
const TIMELOCK_TAG = FIRST_HASH_TAG + HASHES.length;
const RESET_BONDS_TAG = TIMELOCK_TAG + 1;
const BIG_RAW_TAG = TIMELOCK_TAG + 2;

const timelocked = struct({ encrypted: bytes, revealRound: count64 });

/** A field of a commitment. The pallet has a variant for each length of `Raw`, so that its tag tells it. */
const data: Scale<DevData> = {
  type: {
    kind: 'variant',
    path: pathOf('pallet_commitments::types::Data'),
    params: [],
    variants: dataVariants(),
  },
  write: (field, out) => {
    switch (field.kind) {
      case 'None':
        return out.uint(0, 1);
      case 'Raw': {
        const raw = fromHex(field.bytes);
        if (raw.length > MAX_RAW_BYTES)
          throw new AppError('input.invalid', {
            field: 'Raw',
            value: `${raw.length} bytes`,
            expected: `at most ${MAX_RAW_BYTES}`,
          });
        out.uint(raw.length + 1, 1);
        return out.raw(raw);
      }
      case 'TimelockEncrypted':
        out.uint(TIMELOCK_TAG, 1);
        return timelocked.write({ encrypted: field.bytes, revealRound: field.revealRound }, out);
      case 'ResetBondsFlag':
        return out.uint(RESET_BONDS_TAG, 1);
      case 'BigRaw':
        out.uint(BIG_RAW_TAG, 1);
        return bytes.write(field.bytes, out);
      default:
        out.uint(FIRST_HASH_TAG + HASHES.indexOf(field.kind), 1);
        return fixedBytes(32).write(field.bytes, out);
    }
  },
  read: (input) => {
    const tag = input.uint(1);
    if (tag === 0) return { kind: 'None' };
    if (tag < FIRST_HASH_TAG)
      return { kind: 'Raw', bytes: Buffer.from(input.raw(tag - 1)).toString('hex') };
    const hash = HASHES[tag - FIRST_HASH_TAG];
    if (hash !== undefined) return { kind: hash, bytes: fixedBytes(32).read(input) };
    if (tag === TIMELOCK_TAG) {
      const { encrypted, revealRound } = timelocked.read(input);
      return { kind: 'TimelockEncrypted', bytes: encrypted, revealRound };
    }
    if (tag === RESET_BONDS_TAG) return { kind: 'ResetBondsFlag' };
    if (tag === BIG_RAW_TAG) return { kind: 'BigRaw', bytes: bytes.read(input) };
    throw new AppError('input.invalid', {
      field: 'Data',
      value: tag,
      expected: `a tag of 0 to ${BIG_RAW_TAG}`,
    });
  },
};

export const commitmentInfo = struct(
  { fields: vec(data) },
  'pallet_commitments::types::CommitmentInfo',
);

function dataVariants(): readonly Variant[] {
  const one = (scale: Scale<unknown>): readonly Field[] => [{ name: null, type: scale.type }];
  const raws = Array.from({ length: MAX_RAW_BYTES + 1 }, (_, length) => ({
    name: `Raw${length}`,
    index: length + 1,
    fields: one(fixedBytes(length)),
  }));
  const hashes = HASHES.map((name, at) => ({
    name,
    index: FIRST_HASH_TAG + at,
    fields: one(fixedBytes(32)),
  }));
  return [
    { name: 'None', index: 0, fields: [] },
    ...raws,
    ...hashes,
    { name: 'TimelockEncrypted', index: TIMELOCK_TAG, fields: fieldsOf(timelocked.type) },
    { name: 'ResetBondsFlag', index: RESET_BONDS_TAG, fields: [] },
    { name: 'BigRaw', index: BIG_RAW_TAG, fields: one(bytes) },
  ];
}
