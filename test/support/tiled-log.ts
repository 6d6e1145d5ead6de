import type { Signer } from '#src/consensus/keys.ts';
import { EMPTY } from '#src/events/decode.ts';
import { seal } from '#src/events/envelope.ts';
import { sha256 } from '#src/events/hash.ts';
import { logSource } from '#src/events/source.ts';
import { signCheckpoint } from '#src/merkle/checkpoint.ts';
import { rootOf } from '#src/merkle/root.ts';
import { hexOf, leafOf } from '#src/merkle/tree.ts';
import { logSeedOf, logStarted } from './log-start.ts';
import { tileFiles } from './tile-files.ts';

export const GENESIS = 'ab'.repeat(32);
export const NETUID = 36;

/** The Ed25519 seed that a validator cosigns with. */
export const witnessSeedOf = (hotkey: string): Uint8Array =>
  Uint8Array.from(Buffer.from(sha256(`witness key of ${hotkey}`), 'hex'));

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
  const payloads: Uint8Array[] = [firstEvent(signer, source)];
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

function firstEvent(signer: Signer, source: string): Uint8Array {
  const event = logStarted(signer, source, { genesis: GENESIS, netuid: NETUID });
  return seal({ event, time: '2026-01-01T00:00:00.000Z', causationId: null }, source, EMPTY)
    .payload;
}
