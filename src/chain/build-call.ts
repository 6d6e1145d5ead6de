import type { ApiPromise } from '@polkadot/api/cjs/index';
import type { SubmittableExtrinsic } from '@polkadot/api/cjs/types/index';
import type { Vector } from '../events/weights.ts';
import { axonAddress } from './axon.ts';
import type { Call, ChainError, Extrinsic, Known } from './chain.ts';
import { chainError } from './chain-error.ts';
import { known, malformed } from './known.ts';
import { MECHANISM } from './reads.ts';
import { type CallContext, type Random, timelockedCommit } from './timelocked-commit.ts';

/** The call of an extrinsic that is not signed yet, or why there is none. */
export type BuiltCall =
  | (Readonly<{
      kind: 'built';
      /** Pallet and call by their names in the metadata. */
      name: string;
      tx: SubmittableExtrinsic<'promise'>;
    }> &
      Life)
  | Readonly<{ kind: 'refused'; error: ChainError }>;

/** How many blocks its era has, and what is revealed when. */
type Life = Readonly<{ period: number; reveal: Extrinsic['reveal'] }>;

type Deps = Readonly<{ api: ApiPromise; random: Random }>;

/** Builds a call that has passed the preflight with the same facts, by the names of the node's metadata. */
export function buildCall(call: Call, context: CallContext, deps: Deps): Known<BuiltCall> {
  const { facts, own } = context;
  switch (call.kind) {
    case 'weights':
      if (facts.commitReveal.enabled) return buildCommit(call.vector, context, deps);
      return known(
        build(
          'SubtensorModule.set_mechanism_weights',
          {
            netuid: own.netuid,
            mecid: MECHANISM,
            dests: call.vector.map(({ uid }) => uid),
            weights: call.vector.map(({ weight }) => weight),
            versionKey: own.versionKey,
          },
          deps,
        ),
      );
    case 'commitment':
      return known(
        build(
          'Commitments.set_commitment',
          {
            netuid: own.netuid,
            info: {
              fields: call.fields.map((text) => ({
                [`Raw${text.length}`]: `0x${Buffer.from(text, 'latin1').toString('hex')}`,
              })),
            },
          },
          deps,
        ),
      );
    case 'axon': {
      const address = axonAddress(call.url);
      if (address === null) return malformed(`${call.url} is no axon's address`);
      return known(
        build(
          'SubtensorModule.serve_axon',
          {
            netuid: own.netuid,
            version: AXON_VERSION,
            ip: address.ip,
            port: address.port,
            ipType: address.ipType,
            protocol: AXON_PROTOCOL,
            placeholder1: 0,
            placeholder2: 0,
          },
          deps,
        ),
      );
    }
  }
}

/** Blocks of the era of what is under no time lock: 13 minutes, through a long gap between two nodes. */
const PERIOD = 64;

/** What serves behind the address. Nobody reads it; 0 would mean an axon that was never announced. */
const AXON_VERSION = 1;

/** What the network's own servers announce. */
const AXON_PROTOCOL = 4;

function buildCommit(vector: Vector, context: CallContext, deps: Deps): Known<BuiltCall> {
  const made = timelockedCommit(vector, context, deps);
  if (!made.known) return made;
  if (made.value.kind === 'refused') return known(made.value);
  const { commit, period, reveal } = made.value;
  const args = {
    netuid: context.own.netuid,
    mecid: MECHANISM,
    commit: `0x${Buffer.from(commit).toString('hex')}`,
    revealRound: reveal.round,
    commitRevealVersion: context.facts.commitReveal.version,
  };
  const name = 'SubtensorModule.commit_timelocked_mechanism_weights';
  return known(build(name, args, deps, { period, reveal }));
}

/** A call whose arguments have other names in this runtime means something else: it is not made. */
function build(
  name: string,
  args: Readonly<Record<string, unknown>>,
  { api }: Pick<Deps, 'api'>,
  { period, reveal }: Life = { period: PERIOD, reveal: null },
): BuiltCall {
  const [pallet = '', method = ''] = name.split('.');
  const call = api.tx[lowerFirst(pallet)]?.[camelCase(method)];
  const expected = Object.keys(args).join(', ');
  const found = call?.meta.args.map(({ name: arg }) => camelCase(arg.toString())).join(', ');
  if (call === undefined || found !== expected) {
    const detail = `the runtime has ${found === undefined ? 'no such call' : `arguments ${found}`}, expected ${expected}`;
    return { kind: 'refused', error: chainError('CallNotSupported', `${name}: ${detail}`) };
  }
  return { kind: 'built', name, tx: call(...Object.values(args)), period, reveal };
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function camelCase(text: string): string {
  return text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
