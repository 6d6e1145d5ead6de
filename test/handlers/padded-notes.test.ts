import { expect, test } from 'vitest';
import { CheckpointObserved, MAX_NOTE_LENGTH } from '#src/events/checkpoint.ts';
import { observeCheckpoints } from '#src/handlers/observe-checkpoints.ts';
import { formatAddCheckpoint } from '#src/merkle/add-checkpoint.ts';
import { formatNote, parseNote } from '#src/merkle/signed-note.ts';
import { GENESIS, NETUID } from '../support/tiled-log.ts';
import { witnessNetwork } from '../support/witness-network.ts';

/** A checkpoint with as many lines in the name of its log as a peer may serve. */
function padded(note: Uint8Array): Uint8Array {
  const { text, signatures } = parseNote(note);
  const name = text.slice(0, text.indexOf('\n'));
  const junk = [1, 2].map((keyId) => ({ name, keyId, signature: new Uint8Array(9_000) }));
  return formatNote({ text, signatures: [...junk, ...signatures] });
}

test('a checkpoint that its log has padded is recorded like any other', async () => {
  const { network, ...net } = witnessNetwork(['A']);
  const { peer, log } = net.node('A');
  network.tamper = ({ path }) =>
    path === '/log/checkpoint' ? { kind: 'ok', status: 200, body: padded(log.note()) } : null;
  const place = { genesis: GENESIS, netuid: NETUID, family: 'general_chat', run: 'run-1' };
  const { events } = await observeCheckpoints(
    { ...place, peers: [peer], seen: new Set(), anchors: [] },
    { ...net, signal: new AbortController().signal, remembered: async () => [] },
  );
  const [observed] = events.map(({ data }) => CheckpointObserved.data.parse(data));
  expect(observed?.note).toBe(Buffer.from(log.note()).toString());
});

test('what a log has padded is cosigned, kept and shown without the padding', async () => {
  const net = witnessNetwork(['A', 'B']);
  const { log } = net.node('A');
  const body = formatAddCheckpoint({ oldSize: 0, proof: [], checkpoint: padded(log.note()) });
  const options = { contentType: 'text/plain', maxBytes: 65_536 };
  const signal = new AbortController().signal;
  const url = 'http://b.test/witness/add-checkpoint';
  expect(await net.post(url, body, { ...options, signal })).toMatchObject({ status: 200 });
  const { note = '' } = net.node('B').rows.get(log.source) ?? {};
  expect(note).toBe(Buffer.from(log.note()).toString());
  expect(note.length).toBeLessThan(MAX_NOTE_LENGTH);
});
