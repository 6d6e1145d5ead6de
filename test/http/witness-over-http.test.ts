import { expect, test } from 'vitest';
import { sha256 } from '#src/events/hash.ts';
import { createWitnessing } from '#src/handlers/ask-witnesses.ts';
import { createWitness } from '#src/handlers/cosign-checkpoint.ts';
import { cosignedAt, cosignerKey, cosignerName } from '#src/merkle/cosignature.ts';
import { publicKeyEd25519 } from '#src/merkle/ed25519.ts';
import { type NoteSignature, parseNote } from '#src/merkle/signed-note.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';
import { loopbackClient } from '../support/loopback-client.ts';
import { simulatedWitnessState } from '../support/simulated-witness-state.ts';
import { type TiledLog, tiledLog, witnessSeedOf } from '../support/tiled-log.ts';
import { startApp } from './client.ts';
import { fakeValidator } from './fake-validator.ts';

const NOW = '2026-01-01T00:00:00.000Z';
const signer = fakeSigner(hotkeyOf('V'));
const witness = fakeSigner(hotkeyOf('Wa'));
const { hotkey } = witness;

/** The witness's own validator, served; its log says which key it cosigns with. */
function startWitness() {
  const own = tiledLog(witness);
  const name = cosignerName({ ...own, hotkey });
  const { addCheckpoint, witnessedCheckpoint } = createWitness(
    { ...own, name, seed: witnessSeedOf(hotkey) },
    {
      state: simulatedWitnessState(),
      voters: async () => new Set(['V', 'Wa'].map(hotkeyOf)),
      verify: fakeVerify,
      now: () => NOW,
      onFork: () => undefined,
    },
  );
  const events = async () => ({ payloads: [own.first()], size: 1, sealedFrom: null });
  return startApp(fakeValidator({}, { addCheckpoint, witnessedCheckpoint, events }));
}

/** A log that asks one witness, over HTTP as in production. */
function witnessing(log: TiledLog, axon: string, client: ReturnType<typeof loopbackClient>) {
  const lines: NoteSignature[] = [];
  const refusals: string[] = [];
  const { round, known } = createWitnessing(log, {
    fetch: client.get,
    post: client.post,
    verify: fakeVerify,
    signal: AbortSignal.any([]),
    peers: async () => [{ hotkey, axon }],
    addCosignatures: async (_of, added) => lines.push(...added) > 0,
    onAnswer: (_hotkey, refusal) => {
      if (refusal !== null) refusals.push(refusal);
    },
  });
  return { round, known, lines, refusals };
}

test('a log is cosigned as it grows, and readers find what was cosigned', async () => {
  await using app = await startWitness();
  await using client = loopbackClient();
  const log = tiledLog(signer, { size: 10 });
  const asking = witnessing(log, app.url, client);
  const key = cosignerKey(
    cosignerName({ ...log, hotkey }),
    publicKeyEd25519(witnessSeedOf(hotkey)),
  );
  for (const size of [10, 300]) {
    log.growTo(size);
    expect(await asking.round()).toBeNull();
    expect(asking.refusals).toEqual([]);
    const { text } = parseNote(log.note());
    const signatures = asking.lines.splice(0);
    expect(cosignedAt({ text, signatures }, key)).toBe(Date.parse(NOW) / 1_000);
  }
  expect(asking.known()).toEqual([{ hotkey, key, url: `${app.url}/witness` }]);
  const held = await app.ask(`/witness/${sha256(log.source)}/checkpoint`);
  expect(parseNote(held.body).text).toBe(parseNote(log.note(300)).text);
});

test('a second face of a log is not cosigned, and its owner is shown the first one', async () => {
  await using app = await startWitness();
  await using client = loopbackClient();
  const first = tiledLog(signer, { size: 20, face: 'first', commonSize: 5 });
  const second = tiledLog(signer, { size: 20, face: 'second', commonSize: 5 });
  expect(await witnessing(first, app.url, client).round()).toBeNull();
  const other = witnessing(second, app.url, client);
  expect(await other.round()).toMatchObject({ witness: hotkey });
  expect(other.lines).toEqual([]);
});
