import { AppError } from '../errors.ts';
import { selectiveMetagraph, selectiveMetagraphScale } from './apis-metagraph.ts';
import type { BlockExtra } from './codec.ts';
import { extrinsicType } from './codec-extrinsic.ts';
import { fromHex, toHex } from './hex.ts';
import { runtimeVersionOf, runtimeVersionScale } from './runtime-version.ts';
import { decode, encode, newtype, type Scale, struct, vec } from './scale.ts';
import { bytes, u8, u16, u32, u64 } from './scale-basic.ts';
import { option } from './scale-variant.ts';
import type { DevState } from './state.ts';
import { account, weight } from './types.ts';
import { dispatchClass, FREE } from './types-dispatch.ts';

/** A method of a runtime API: what it takes, what it gives, and how the answer follows from the state. */
export type ApiMethod = Readonly<{
  trait: string;
  name: string;
  inputs: Scale<unknown>;
  output: Scale<unknown>;
  answer(at: ApiContext, inputs: unknown): unknown;
}>;

export type ApiContext = Readonly<{
  state: DevState;
  extra: BlockExtra;
  metadata: (version: 14 | 15) => Uint8Array;
}>;

/** The versions of metadata that the chain has. */
const METADATA_VERSIONS = [14, 15] as const;

/** The answer of `state_call` in 0x hex. Throws `input.invalid` for an unknown method or bad arguments. */
export function callApi(method: string, argsHex: string, context: ApiContext): string {
  const found = API_METHODS.find(({ trait, name }) => `${trait}_${name}` === method);
  if (found === undefined)
    throw new AppError('input.invalid', {
      field: 'method',
      value: method,
      expected: `one of ${API_METHODS.map(({ trait, name }) => `${trait}_${name}`).join(', ')}`,
    });
  const inputs = decode(found.inputs, fromHex(argsHex));
  return toHex(encode(found.output, found.answer(context, inputs)));
}

const opaqueMetadata = newtype('sp_core::OpaqueMetadata', bytes);
const opaqueExtrinsic: Scale<string> = { ...bytes, type: extrinsicType };
const fee = struct(
  { weight, class: dispatchClass, partialFee: u64 },
  'pallet_transaction_payment::types::RuntimeDispatchInfo',
);

export const API_METHODS: readonly ApiMethod[] = [
  method('Core', 'version', {
    inputs: struct({}),
    output: runtimeVersionScale,
    answer: ({ extra }) => runtimeVersionOf(extra.specVersion),
  }),
  method('Metadata', 'metadata_at_version', {
    inputs: struct({ version: u32 }),
    output: option(opaqueMetadata),
    answer: ({ metadata }, { version }) => {
      const found = METADATA_VERSIONS.find((offered) => offered === version);
      return found === undefined ? null : toHex(metadata(found));
    },
  }),
  method('Metadata', 'metadata_versions', {
    inputs: struct({}),
    output: vec(u32),
    answer: () => METADATA_VERSIONS,
  }),
  method('AccountNonceApi', 'account_nonce', {
    inputs: struct({ account }),
    output: u32,
    answer: ({ state }, { account }) => state.nonces.get(account) ?? 0,
  }),
  method('TransactionPaymentApi', 'query_info', {
    inputs: struct({ uxt: opaqueExtrinsic, len: u32 }),
    output: fee,
    answer: () => ({ weight: FREE.weight, class: FREE.class, partialFee: 0n }),
  }),
  method('SubnetInfoRuntimeApi', 'get_selective_metagraph', {
    inputs: struct({ netuid: u16, metagraphIndexes: vec(u16) }),
    output: option(selectiveMetagraphScale),
    answer: ({ state }, { netuid, metagraphIndexes }) =>
      netuid === state.netuid ? selectiveMetagraph(state, metagraphIndexes) : null,
  }),
  method('SubnetInfoRuntimeApi', 'get_selective_mechagraph', {
    // The runtime's name of the mechanism.
    inputs: struct({ netuid: u16, subid: u8, metagraphIndexes: vec(u16) }),
    output: option(selectiveMetagraphScale),
    answer: ({ state }, { netuid, subid, metagraphIndexes }) =>
      netuid === state.netuid && subid === 0 ? selectiveMetagraph(state, metagraphIndexes) : null,
  }),
];

function method<I, O>(
  trait: string,
  name: string,
  declared: {
    readonly inputs: Scale<I>;
    readonly output: Scale<O>;
    readonly answer: (context: ApiContext, inputs: I) => O;
  },
): ApiMethod {
  return { trait, name, ...declared };
}
