import { expect, test } from 'vitest';
import { auditLog } from '#src/audit/audit-log.ts';
import type { TreeClaim } from '#src/audit/claims.ts';
import { nameOfLog } from '#src/audit/log-name.ts';
import { anchorClaims, noteClaim, readObservations } from '#src/audit/outside-claims.ts';
import { blake2b256 } from '#src/chain/blake2b.ts';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { anchorPayload } from '#src/consensus/commitment.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { EMPTY } from '#src/events/decode.ts';
import { seal } from '#src/events/envelope.ts';
import { rootOf } from '#src/merkle/root.ts';
import { encodeEntries, TILE_WIDTH } from '#src/merkle/tile.ts';
import { leafOf } from '#src/merkle/tree.ts';
import { devSigner } from '../support/dev-keys.ts';
import { FAMILY, GENESIS, honestLog, NETUID, noteOf, SELF, SOURCE } from '../support/honest-log.ts';
import { filesOf, sourceOf } from '../support/memory-log.ts';
import { rewritten } from '../support/rewritten-log.ts';

const DEPS = { verify: verifySr25519, blake2b256 };
const OF = { origin: SOURCE, hotkey: SELF.hotkey, generation: 0 };

/** Two logs of one hotkey under one name: what the second run came to differs. Each alone is a log like any other. */
const SHOWN = honestLog({ runs: 2, miners: 3, tasks: 2 });
const OTHER = rewritten(SHOWN, (event) =>
  event.type === 'weights.observed.v1' && event.data.run === 'run-2'
    ? [{ ...event, data: { ...event.data, detail: 'for other eyes' } }]
    : [event],
);

async function faultsWith(claims: readonly TreeClaim[]) {
  const expected = { hotkey: SELF.hotkey, genesis: GENESIS, netuid: NETUID, ownerHotkey: null };
  const source = sourceOf(filesOf(SHOWN, noteOf(SHOWN)));
  return (await auditLog(source, { ...expected, claims }, DEPS)).faults;
}

const rootAt = (log: readonly Uint8Array[], size: number): string =>
  Buffer.from(rootOf(log.slice(0, size).map(leafOf))).toString('hex');

/** A commitment on chain that anchors this log at a size. */
function anchored(log: readonly Uint8Array[], size: number, block: number) {
  const anchor = anchorPayload({ generation: 0, size, root: rootAt(log, size), commit: null });
  return { block, fields: ['eirel/scores/v1:run-2:x', anchor] };
}

/** The log of a peer that recorded these checkpoints: two of its own events are of no interest here. */
function peerThatSaw(notes: readonly Uint8Array[], of: readonly Uint8Array[]) {
  const peer = devSigner('v2');
  let head = EMPTY;
  const payloads = notes.map((note) => {
    const root = rootAt(of, of.length);
    const data = { family: FAMILY, run: 'run-2', hotkey: SELF.hotkey, source: SOURCE };
    const event: DomainEvent = {
      type: 'checkpoint.observed.v1',
      data: { ...data, size: of.length, root, note: Buffer.from(note).toString() },
    };
    const source = SOURCE.replace(SELF.hotkey, peer.hotkey);
    const time = '2026-01-02T03:04:05.678Z';
    const sealed = seal({ event, time, causationId: null }, source, head);
    head = sealed.head;
    return sealed.payload;
  });
  return {
    name: 'peer',
    checkpoint: async () => null,
    entries: async (index: number) =>
      encodeEntries(payloads.slice(index * TILE_WIDTH, (index + 1) * TILE_WIDTH)),
    tile: async () => null,
  };
}

test('the two logs are forks of one, and each alone is clean', async () => {
  expect(OTHER).toHaveLength(SHOWN.length);
  expect(rootAt(OTHER, OTHER.length)).not.toBe(rootAt(SHOWN, SHOWN.length));
  expect(await faultsWith([])).toEqual([]);
});

test('a fork is found by an anchor on chain alone', async () => {
  const honest = anchorClaims([anchored(SHOWN, 40, 900), anchored(SHOWN, SHOWN.length, 1_000)], OF);
  expect(await faultsWith(honest)).toEqual([]);
  const size = OTHER.length;
  const claims = anchorClaims([anchored(SHOWN, 40, 900), anchored(OTHER, size, 1_000)], OF);
  expect(await faultsWith(claims)).toEqual([
    {
      code: 'log-forked',
      index: size,
      where: 'block 1000',
      expected: `the root ${rootAt(OTHER, size)} of the first ${size} events`,
      found: rootAt(SHOWN, size),
    },
  ]);
});

test('a fork is found by what a peer recorded alone', async () => {
  const honest = await readObservations(peerThatSaw([noteOf(SHOWN)], SHOWN), OF, DEPS);
  expect(honest.claims).toHaveLength(1);
  expect(await faultsWith(honest.claims)).toEqual([]);
  const { claims } = await readObservations(peerThatSaw([noteOf(OTHER)], OTHER), OF, DEPS);
  expect(await faultsWith(claims)).toMatchObject([
    { code: 'log-forked', index: OTHER.length, where: 'event 0 of peer' },
  ]);
});

test('a fork is found by what a witness cosigned alone', async () => {
  const about = { kind: 'witness', by: 'a witness', verify: verifySr25519 } as const;
  const claim = noteClaim(noteOf(OTHER), OF, about);
  expect(await faultsWith(claim === null ? [] : [claim])).toMatchObject([
    { code: 'log-forked', index: OTHER.length, where: 'a witness' },
  ]);
});

test('a log whose end is withheld is found by whoever saw more of it', async () => {
  const more = honestLog({ runs: 3, miners: 3, tasks: 2 });
  const claims = anchorClaims([anchored(more, more.length, 1_000)], OF);
  expect(await faultsWith(claims)).toMatchObject([
    { code: 'log-truncated', index: SHOWN.length, expected: `at least ${more.length} events` },
  ]);
});

test('anchors that shrink from block to block are a fork, though each is a tree of the log', async () => {
  const claims = anchorClaims([anchored(SHOWN, 40, 1_000), anchored(SHOWN, 30, 1_001)], OF);
  expect(await faultsWith(claims)).toMatchObject([
    { code: 'log-forked', index: 30, where: 'block 1001', found: 'an anchor of 30' },
  ]);
});

test('what nobody signed, and what is of another generation, says nothing', async () => {
  const forged = Buffer.from(noteOf(OTHER))
    .toString()
    .replace(/\n\d+\n/, '\n1\n');
  const about = { kind: 'witness', by: 'a witness', verify: verifySr25519 } as const;
  expect(noteClaim(Buffer.from(forged), OF, about)).toBeNull();
  const seen = await readObservations(peerThatSaw([Buffer.from(forged)], OTHER), OF, DEPS);
  expect(seen).toMatchObject({ claims: [], unsigned: 1 });
  const anchor = anchorPayload({ generation: 1, size: 3, root: 'ab'.repeat(32), commit: null });
  expect(
    anchorClaims(
      [
        { block: 1, fields: ['x', anchor] },
        { block: 2, fields: [null] },
      ],
      OF,
    ),
  ).toEqual([]);
});

test('a log is named by its checkpoint, and without one by its first event', async () => {
  const files = filesOf(SHOWN, noteOf(SHOWN));
  const name = { origin: SOURCE, hotkey: SELF.hotkey, generation: 0, netuid: NETUID };
  expect(await nameOfLog(sourceOf(files))).toMatchObject(name);
  files.delete('checkpoint');
  const bare = { ...sourceOf(files), entries: async () => encodeEntries(SHOWN.slice(0, 3)) };
  expect(await nameOfLog(bare)).toMatchObject(name);
  files.set('checkpoint', Buffer.from('no note'));
  expect(await nameOfLog(sourceOf(files))).toBeNull();
});
