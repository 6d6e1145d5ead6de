import type { Signer } from '#src/consensus/keys.ts';
import { pae } from '#src/consensus/signed.ts';
import { EMPTY } from '#src/events/decode.ts';
import { encode } from '#src/events/ej1.ts';
import { seal } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { LOG_START_TYPE, type LogStart } from '#src/events/log-started.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { rootOf } from '#src/merkle/root.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { hexOf } from '#src/sequencer/sized-root.ts';
import { tileFiles } from './tile-files.ts';

export const GENESIS = 'ab'.repeat(32);
export const NETUID = 36;

/** The Ed25519 seeds of a validator's log, which follow from its hotkey. */
export const logSeedOf = (hotkey: string): Uint8Array => seedOf(`log key of ${hotkey}`);
export const witnessSeedOf = (hotkey: string): Uint8Array => seedOf(`witness key of ${hotkey}`);

/**
 * A validator's log as it is published, in memory: its start, and events that are nothing but texts. What
 * follows after `commonSize` events depends on `face`, so that two faces of one log are a fork.
 */
export function tiledLog(
  signer: Signer,
  {
    size = 1,
    generation = 0,
    face = '',
    commonSize = 1,
  }: { size?: number; generation?: number; face?: string; commonSize?: number } = {},
) {
  const { hotkey } = signer;
  const source = logSource({ genesis: GENESIS, netuid: NETUID, hotkey, generation });
  const payloads: Uint8Array[] = [firstEvent(signer, source, generation)];
  const leaves = () => payloads.map(leafOf);
  const growTo = (end: number): void => {
    while (payloads.length < end) {
      const salt = payloads.length < commonSize ? '' : face;
      payloads.push(Buffer.from(`event ${payloads.length} ${salt}`));
    }
  };
  growTo(size);
  const root = (at: number) => rootOf(leaves().slice(0, at));
  const note = (at = payloads.length): Uint8Array =>
    signCheckpoint(
      { origin: source, size: at, root: root(at) },
      { logSeed: logSeedOf(hotkey), signer },
    );
  return {
    genesis: GENESIS,
    netuid: NETUID,
    hotkey,
    source,
    growTo,
    root,
    /** The signed note of the first `at` events. */
    note,
    /** The stored first event. */
    first: () => payloads[0] ?? new Uint8Array(),
    published: () => {
      const at = payloads.length;
      return { size: at, root: hexOf(root(at)), note: note(at) };
    },
    files: tileFiles(leaves),
  };
}
export type TiledLog = ReturnType<typeof tiledLog>;

function firstEvent(signer: Signer, source: string, generation: number): Uint8Array {
  const { hotkey } = signer;
  const start: LogStart = {
    v: 'eirel/log-start/1',
    source,
    genesis: GENESIS,
    netuid: NETUID,
    hotkey,
    generation,
    logKey: hexOf(publicKeyEd25519(logSeedOf(hotkey))),
    witnessKey: hexOf(publicKeyEd25519(witnessSeedOf(hotkey))),
    previous: null,
  };
  const body = encode(start);
  const signature = signer.sign(pae(LOG_START_TYPE, body));
  const event = { type: 'log.started.v1', data: { hotkey, body, signature } } as const;
  return seal({ event, time: '2026-01-01T00:00:00.000Z', causationId: null }, source, EMPTY)
    .payload;
}

function seedOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(sha256(text), 'hex'));
}
