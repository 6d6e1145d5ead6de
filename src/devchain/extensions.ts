import { AppError } from '../errors.ts';
import type { Era } from './codec.ts';
import { newtype, type Scale, struct } from './scale.ts';
import { compact, fixedBytes, u8, u32, u64 } from './scale-basic.ts';
import { pathOf } from './scale-type.ts';
import { option, unit, words } from './scale-variant.ts';
import { h256 } from './types.ts';

/** An extrinsic's time to live, in two bytes: how long, and from which block of that many on. */
const era: Scale<Era> = {
  type: {
    kind: 'variant',
    path: pathOf('sp_runtime::generic::era::Era'),
    params: [],
    variants: Array.from({ length: 256 }, (_, index) =>
      index === 0
        ? { name: 'Immortal', index, fields: [] }
        : { name: `Mortal${index}`, index, fields: [{ name: null, type: u8.type }] },
    ),
  },
  write: (value, out) => {
    if (value.immortal) return out.uint(0, 1);
    const { period, phase } = value;
    out.uint((Math.log2(period) - 1) | ((phase / phaseStep(period)) << 4), 2);
  },
  read: (input) => {
    const first = input.uint(1);
    if (first === 0) return { immortal: true };
    const word = first | (input.uint(1) << 8);
    const period = 2 << (word & 15);
    const phase = (word >> 4) * phaseStep(period);
    if (period < MIN_PERIOD || phase >= period)
      throw new AppError('input.invalid', {
        field: 'era',
        value: word,
        expected: `a period from ${MIN_PERIOD} blocks and a phase below it`,
      });
    return { immortal: false, period, phase };
  },
};

const MIN_PERIOD = 4;
/** Twelve bits tell the phase, so that of a long period is rounded. */
const PHASES = 4_096;

function phaseStep(period: number): number {
  return Math.max(1, period / PHASES);
}

const FRAME = 'frame_system::extensions';
const mode = words('frame_metadata_hash_extension::Mode', ['Disabled', 'Enabled']);

/** What an extrinsic carries for the checks on it: Finney's signed extensions (spec 343), in their order. */
export const EXTRA = {
  CheckNonZeroSender: struct({}, `${FRAME}::check_non_zero_sender::CheckNonZeroSender`),
  CheckSpecVersion: struct({}, `${FRAME}::check_spec_version::CheckSpecVersion`),
  CheckTxVersion: struct({}, `${FRAME}::check_tx_version::CheckTxVersion`),
  CheckGenesis: struct({}, `${FRAME}::check_genesis::CheckGenesis`),
  CheckMortality: newtype(`${FRAME}::check_mortality::CheckMortality`, era),
  CheckNonce: newtype('node_subtensor_runtime::check_nonce::CheckNonce', compact(u32)),
  CheckWeight: struct({}, `${FRAME}::check_weight::CheckWeight`),
  ChargeTransactionPayment: newtype(
    'pallet_transaction_payment::ChargeTransactionPayment',
    compact(u64),
  ),
  SubtensorTransactionExtension: struct(
    {},
    'pallet_subtensor::transaction_extension::SubtensorTransactionExtension',
  ),
  DrandPriority: struct({}, 'pallet_drand::drand_priority::DrandPriority'),
  CheckMetadataHash: struct({ mode }, 'frame_metadata_hash_extension::CheckMetadataHash'),
};

/** What its signature covers beside the extrinsic itself, so that it holds on one chain and runtime only. */
export const ADDITIONAL = {
  CheckNonZeroSender: unit,
  CheckSpecVersion: u32,
  CheckTxVersion: u32,
  CheckGenesis: h256,
  CheckMortality: h256,
  CheckNonce: unit,
  CheckWeight: unit,
  ChargeTransactionPayment: unit,
  SubtensorTransactionExtension: unit,
  DrandPriority: unit,
  CheckMetadataHash: option(fixedBytes(32)),
} satisfies Readonly<Record<keyof typeof EXTRA, Scale<unknown>>>;
