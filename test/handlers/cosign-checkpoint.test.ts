import { expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { createWitness } from '#src/handlers/cosign-checkpoint.ts';
import { formatAddCheckpoint } from '#src/merkle/add-checkpoint.ts';
import { cosignedAt, cosignerKey, cosignerName } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { parseNote, parseSignatures } from '#src/merkle/signed-note.ts';
import { tilePath } from '#src/merkle/tile.ts';
import { consistencyProof } from '#src/merkle/tile-proof.ts';
import { requirePublished } from '#src/sequencer/published-file.ts';
import type { Witnessed, WitnessState } from '#src/sequencer/witness.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';
import { simulatedWitnessState } from '../support/simulated-witness-state.ts';
import { GENESIS, NETUID, tiledLog } from '../support/tiled-log.ts';

const signer = fakeSigner(hotkeyOf('V'));
const log = tiledLog(signer, { size: 40 });
const name = cosignerName({ genesis: GENESIS, netuid: NETUID, hotkey: hotkeyOf('W') });
const seed = new Uint8Array(32).fill(7);

async function request(oldSize: number, size: number): Promise<Uint8Array> {
  const read = (level: number, index: number, width: number) =>
    requirePublished(log.files, tilePath(level, index, width));
  const proof = oldSize === 0 ? [] : await consistencyProof({ from: oldSize, to: size }, read);
  return formatAddCheckpoint({ oldSize, proof, checkpoint: log.note(size) });
}

function witnessOver(state: WitnessState, voters = [signer.hotkey]) {
  const forks: Witnessed[] = [];
  const witness = createWitness(
    { genesis: GENESIS, netuid: NETUID, name, seed },
    {
      state,
      voters: async () => new Set(voters),
      verify: fakeVerify,
      now: () => '2026-01-01T00:00:07.900Z',
      onFork: (held) => forks.push(held),
    },
  );
  return { ...witness, forks };
}

test('what is cosigned is on record, and the cosignature verifies with its time', async () => {
  const rows = new Map<string, Witnessed>();
  const witness = witnessOver(simulatedWitnessState(rows));
  const answer = await witness.addCheckpoint(await request(0, 30));
  const lines = answer.kind === 'cosigned' ? parseSignatures(answer.lines) : [];
  const key = cosignerKey(name, publicKeyEd25519(seed));
  const { text } = parseNote(log.note(30));
  expect(cosignedAt({ text, signatures: lines }, key)).toBe(
    Date.parse('2026-01-01T00:00:07Z') / 1_000,
  );
  expect(rows.get(log.source)).toMatchObject({ size: 30 });
  const shown = await witness.witnessedCheckpoint(sha256(log.source));
  expect(Buffer.from(shown ?? []).toString()).toBe(Buffer.from(log.note(30)).toString());
  expect(await witness.witnessedCheckpoint(sha256('another log'))).toBeNull();
});

test('two requests at once never roll back what was cosigned', async () => {
  const rows = new Map<string, Witnessed>();
  const state = simulatedWitnessState(rows);
  await witnessOver(state).addCheckpoint(await request(0, 10));
  // Both have read the state before either moves it.
  const both = Promise.withResolvers<void>();
  let readers = 0;
  const slow: WitnessState = {
    ...state,
    read: async (origin) => {
      const held = await state.read(origin);
      readers += 1;
      if (readers === 2) both.resolve();
      await both.promise;
      return held;
    },
  };
  const witness = witnessOver(slow);
  const [short, long] = await Promise.all([
    witness.addCheckpoint(await request(10, 20)),
    witness.addCheckpoint(await request(10, 30)),
  ]);
  const kinds = [short, long].map(({ kind }) => kind).toSorted();
  expect(kinds).toEqual(['cosigned', 'refused']);
  const kept = rows.get(log.source)?.size;
  expect(kept).toBe(short.kind === 'cosigned' ? 20 : 30);
  const loser = short.kind === 'cosigned' ? long : short;
  expect(loser).toEqual({ kind: 'refused', refusal: { status: 409, size: kept } });
});

test('a state that never holds still ends the attempt', async () => {
  const state = simulatedWitnessState();
  const restless = witnessOver({ ...state, advance: async () => 'stale' });
  expect(await restless.addCheckpoint(await request(0, 10))).toEqual({
    kind: 'refused',
    refusal: { status: 409, size: 0 },
  });
});

test('a fork is handed on with what was cosigned, and is not cosigned', async () => {
  const rows = new Map<string, Witnessed>();
  const witness = witnessOver(simulatedWitnessState(rows));
  await witness.addCheckpoint(await request(0, 30));
  const other = tiledLog(signer, { size: 30, face: 'forked' });
  const answer = await witness.addCheckpoint(
    formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: other.note() }),
  );
  expect(answer).toEqual({ kind: 'refused', refusal: { status: 409, size: 30 } });
  expect(witness.forks).toEqual([rows.get(log.source)]);
});

test('a forged note of another root is no fork', async () => {
  const witness = witnessOver(simulatedWitnessState());
  await witness.addCheckpoint(await request(0, 30));
  const impostor = { ...fakeSigner(hotkeyOf('X')), hotkey: signer.hotkey };
  const forged = tiledLog(impostor, { size: 30, face: 'forked' }).note();
  const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: forged });
  expect(await witness.addCheckpoint(body)).toMatchObject({ refusal: { status: 403 } });
  expect(witness.forks).toEqual([]);
});

test('the log of a hotkey that does not vote leaves no row', async () => {
  const rows = new Map<string, Witnessed>();
  const witness = witnessOver(simulatedWitnessState(rows), []);
  expect(await witness.addCheckpoint(await request(0, 30))).toMatchObject({
    refusal: { status: 404 },
  });
  expect(rows.size).toBe(0);
});
