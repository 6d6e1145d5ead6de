import { AppError } from '../errors.ts';
import type { Entry } from './pallet-enum.ts';
import { PALLET_ERRORS, PALLETS, type PalletName } from './pallets.ts';
import { mapped, type Scale, struct, type ValueOf } from './scale.ts';
import { fixedBytes, u8 } from './scale-basic.ts';
import { unit, variant, words } from './scale-variant.ts';
import type { DevError } from './state.ts';
import { weight } from './types.ts';

/** Of a call that pays no fee and weighs nothing: the development chain has neither. */
export const FREE = {
  weight: { refTime: 0n, proofSize: 0n },
  class: 'Normal',
  paysFee: 'No',
} as const;

export const dispatchClass = words('frame_support::dispatch::DispatchClass', [
  'Normal',
  'Operational',
  'Mandatory',
]);
export const dispatchInfo = struct(
  { weight, class: dispatchClass, paysFee: words('frame_support::dispatch::Pays', ['Yes', 'No']) },
  'frame_system::DispatchEventInfo',
);

const moduleError = struct({ index: u8, error: fixedBytes(4) }, 'sp_runtime::ModuleError');

/** The runtime's reasons for a failed call, of which this chain gives those of its pallets. */
export const dispatchError: Scale<DevError> = mapped(
  variant('sp_runtime::DispatchError', {
    Other: [0, unit],
    CannotLookup: [1, unit],
    BadOrigin: [2, unit],
    Module: [3, moduleError],
    ConsumerRemaining: [4, unit],
    NoProviders: [5, unit],
    TooManyConsumers: [6, unit],
    Token: [
      7,
      words('sp_runtime::TokenError', [
        'FundsUnavailable',
        'OnlyProvider',
        'BelowMinimum',
        'CannotCreate',
        'UnknownAsset',
        'Frozen',
        'Unsupported',
        'CannotCreateHold',
        'NotExpendable',
        'Blocked',
      ]),
    ],
    Arithmetic: [
      8,
      words('sp_arithmetic::ArithmeticError', ['Underflow', 'Overflow', 'DivisionByZero']),
    ],
    Transactional: [9, words('sp_runtime::TransactionalError', ['LimitReached', 'NoLayer'])],
    Exhausted: [10, unit],
    Corruption: [11, unit],
    Unavailable: [12, unit],
    RootNotAllowed: [13, unit],
    Trie: [
      14,
      words('sp_runtime::proving_trie::TrieError', [
        'InvalidStateRoot',
        'IncompleteDatabase',
        'ValueAtIncompleteKey',
        'DecoderError',
        'InvalidHash',
        'DuplicateKey',
        'ExtraneousNode',
        'ExtraneousValue',
        'ExtraneousHashReference',
        'InvalidChildReference',
        'ValueMismatch',
        'IncompleteProof',
        'RootMismatch',
        'DecodeError',
      ]),
    ],
  }),
  {
    to: ([name, content]) => {
      if (name !== 'Module') throw unknownError(name);
      return errorOf(content);
    },
    from: (error) => ['Module', moduleErrorOf(error)] as const,
  },
);

/** The errors of all pallets, for the metadata. */
export const errorEntries: readonly Entry[] = Object.entries(PALLET_ERRORS).flatMap(
  ([pallet, errors]) =>
    Object.entries(errors).map(([name, index]) => ({
      // safe: the table is keyed by pallet
      pallet: pallet as PalletName,
      name,
      index,
      content: unit,
    })),
);

type ModuleError = ValueOf<typeof moduleError>;

function moduleErrorOf({ pallet, name }: DevError): ModuleError {
  const index = PALLET_ERRORS[pallet][name];
  if (index === undefined) throw unknownError(`${pallet}.${name}`);
  return { index: PALLETS[pallet], error: Buffer.from([index, 0, 0, 0]).toString('hex') };
}

function errorOf({ index, error }: ModuleError): DevError {
  for (const pallet of ['System', 'SubtensorModule', 'Commitments'] as const)
    for (const [name, code] of Object.entries(PALLET_ERRORS[pallet]))
      if (PALLETS[pallet] === index && code === Number.parseInt(error.slice(0, 2), 16))
        return { pallet, name };
  throw unknownError(`${index}: ${error}`);
}

function unknownError(value: string): AppError {
  return new AppError('input.invalid', {
    field: 'error',
    value,
    expected: 'an error of the table of pallet errors',
  });
}
