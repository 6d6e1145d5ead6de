import { expandMetadata, Metadata, TypeRegistry } from '@polkadot/types/cjs/index';
import { type BlockExtra, createCodec } from '#src/devchain/codec.ts';
import type { DevEvent, DevState } from '#src/devchain/state.ts';
import { advance, after, devSubnet, hotkey, UID } from './dev-subnet.ts';

export const codec = createCodec();

/** Which carry no bytes: told to polkadot.js so that it does not warn of them. */
const ZERO_SIZED = { extrinsic: {}, payload: {} };
const EXTENSIONS = { SubtensorTransactionExtension: ZERO_SIZED, DrandPriority: ZERO_SIZED };

/** What polkadot.js makes of metadata: the second opinion on every encoding. */
export function polkadotOf(bytes: Uint8Array) {
  const registry = new TypeRegistry();
  const metadata = new Metadata(registry, bytes);
  registry.setMetadata(metadata, undefined, EXTENSIONS);
  return { registry, metadata, decorated: expandMetadata(registry, metadata) };
}

export type Polkadot = ReturnType<typeof polkadotOf>;

/** A block at the end of which its state is read. */
export function blockExtra(events: readonly DevEvent[] = []): BlockExtra {
  return {
    parentHash: 'a0'.repeat(32),
    events,
    specVersion: 343,
    blockHashes: (number) => number.toString(16).padStart(64, '0'),
  };
}

/** A state in which every storage item has a value: commits, commitments, weights, bonds, an axon, a pulse. */
export function fullState(): DevState {
  const { netuid } = devSubnet();
  const start = advance(devSubnet(), 3).state;
  const mechanism = { netuid, mecid: 0 };
  const committed = after(
    start,
    {
      call: 'SubtensorModule.commit_timelocked_mechanism_weights',
      ...mechanism,
      commit: 'c0'.repeat(291),
      revealRound: start.drand.lastStoredRound + 100,
      commitRevealVersion: 4,
    },
    'a',
  );
  const hashed = after(
    committed,
    { call: 'SubtensorModule.commit_mechanism_weights', ...mechanism, commitHash: 'd0'.repeat(32) },
    'b',
  );
  const told = after(
    hashed,
    {
      call: 'Commitments.set_commitment',
      netuid,
      fields: [
        { kind: 'Raw', bytes: Buffer.from('eirel/scores/v1:run-7:').toString('hex') },
        { kind: 'Sha256', bytes: 'e0'.repeat(32) },
      ],
    },
    'a',
  );
  const served = after(
    told,
    {
      call: 'SubtensorModule.serve_axon',
      netuid,
      version: 1,
      ip: 3_232_235_777n,
      port: 8_091,
      ipType: 4,
      protocol: 4,
      placeholder1: 0,
      placeholder2: 0,
    },
    'c',
  );
  return {
    ...served,
    weights: new Map([[UID.a, [[UID.x, 65_535]]]]),
    bonds: new Map([[UID.a, [[UID.x, 32_768]]]]),
    nonces: new Map([[hotkey('a'), 7]]),
    drand: { ...served.drand, pulses: new Map([[1_000, 'f0'.repeat(48)]]) },
  };
}
