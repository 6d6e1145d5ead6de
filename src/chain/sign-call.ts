import type { ApiPromise } from '@polkadot/api';
import type { SubmittableExtrinsic } from '@polkadot/api/types';
import { decodeAddress } from '@polkadot/util-crypto/address';
import { z } from 'zod';
import { FINNEY_GENESIS } from '../events/source.ts';
import { axonAddress } from './axon.ts';
import type { Call, ChainError, Extrinsic, Known } from './chain.ts';
import { commitPeriod, preflightEpochEnd } from './commit-window.ts';
import { parseAnswer } from './decode.ts';
import { QUICKNET } from './drand.ts';
import { chainError } from './errors.ts';
import { known, malformed } from './known.ts';
import { preflightRound } from './preflight.ts';
import { MECHANISM } from './reads.ts';
import { firstRevealBlock, revealRound } from './reveal-schedule.ts';
import type { Own, SubmissionFacts } from './submission-facts.ts';
import { encryptTimelocked } from './timelock.ts';
import { encodeWeightsPayload } from './weights-payload.ts';

/** So many fresh bytes of a cryptographic generator. */
export type Random = (bytes: number) => Uint8Array;

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

type Context = Readonly<{ facts: SubmissionFacts; own: Own & { readonly genesis: string } }>;
type Deps = Readonly<{ api: ApiPromise; random: Random }>;

/** Builds a call that has passed the preflight with the same facts, by the names of the node's metadata. */
export function buildCall(call: Call, context: Context, deps: Deps): Known<BuiltCall> {
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

const KEY_BYTES = 32;
const NONCE_BYTES = 12;

/**
 * Weights under a time lock. The schedule holds for a commit that is included in the epoch of the next block;
 * one that slips over its end is revealed an epoch later than foreseen, when its round has long been public.
 */
function buildCommit(
  vector: Extract<Call, { kind: 'weights' }>['vector'],
  { facts, own }: Context,
  { api, random }: Deps,
): Known<BuiltCall> {
  const { drand: beacon, commitReveal } = facts;
  // A node that named a beacon of its own could read our weights.
  if (own.genesis === FINNEY_GENESIS && !isQuicknet(beacon))
    return malformed('the beacon that the node names for Finney is not quicknet');
  const blockMs = blockTimeOf(api);
  if (!blockMs.known) return blockMs;
  const schedule = { ...facts, netuid: own.netuid };
  const block = firstRevealBlock(schedule, commitReveal.period);
  if (block === null)
    return refuse(chainError('NoEpochs', `subnet ${own.netuid} has tempo 0: it reveals no commit`));
  const ending = preflightEpochEnd(schedule);
  if (ending !== null) return refuse(ending);
  const round = revealRound({
    timestampMs: facts.timestampMs,
    headBlock: facts.block,
    revealBlock: block,
    blockMs: blockMs.value,
    beacon,
  });
  const early = preflightRound(round, facts);
  if (early !== null) return refuse(early);
  const plaintext = encodeWeightsPayload({
    hotkey: decodeAddress(own.hotkey),
    uids: vector.map(({ uid }) => uid),
    values: vector.map(({ weight }) => weight),
    versionKey: own.versionKey,
  });
  const fresh = { esk: random(KEY_BYTES), sigma: random(KEY_BYTES), nonce: random(NONCE_BYTES) };
  const commit = encryptTimelocked(plaintext, round, Buffer.from(beacon.publicKey, 'hex'), fresh);
  const args = {
    netuid: own.netuid,
    mecid: MECHANISM,
    commit: `0x${Buffer.from(commit).toString('hex')}`,
    revealRound: round,
    commitRevealVersion: commitReveal.version,
  };
  const name = 'SubtensorModule.commit_timelocked_mechanism_weights';
  const life = { period: commitPeriod(schedule), reveal: { block, round } };
  return known(build(name, args, { api }, life));
}

function isQuicknet({ publicKey, genesisTime, period }: SubmissionFacts['drand']): boolean {
  return (
    publicKey === QUICKNET.publicKey &&
    genesisTime === QUICKNET.genesisTime &&
    period === QUICKNET.period
  );
}

/** Milliseconds from block to block: Aura's slot, or twice the least distance, as runtimes with Aura set it. */
function blockTimeOf({ consts }: ApiPromise): Known<number> {
  const slot = consts['aura']?.['slotDuration']?.toJSON();
  const half = consts['timestamp']?.['minimumPeriod']?.toJSON();
  return parseAnswer(
    z.int().min(1),
    slot ?? (typeof half === 'number' ? 2 * half : undefined),
    'block time, of the constants Aura.SlotDuration or Timestamp.MinimumPeriod',
  );
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

function refuse(error: ChainError): Known<BuiltCall> {
  return known({ kind: 'refused', error });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function camelCase(text: string): string {
  return text.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
