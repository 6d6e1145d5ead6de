import { expect, test } from 'vitest';
import type { ChainCommitment } from '#src/chain/chain.ts';
import { anchorPayload, commitmentPayload } from '#src/consensus/commitment.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { sha256 } from '#src/events/hash.ts';
import { missCommitments, readCommitments } from '#src/handlers/read-commitments.ts';
import { hotkeyOf } from '../consensus/fake-keys.ts';

const [a, b] = [hotkeyOf('A'), hotkeyOf('B')];
const phases = { snapshot: 100, commit: 110, decide: 120, certify: 130 };
const anchor = (size: number) => ({ generation: 0, size, root: sha256(`${size}`), commit: null });
const scores = commitmentPayload('run-7', 'a report');

/** What is recorded when the chain tells of these commitments. */
async function recordedFrom(commitments: readonly ChainCommitment[], read = readCommitments) {
  const batches: (readonly DomainEvent[])[] = [];
  const voters = [a, b].map((hotkey, uid) => ({
    hotkey,
    coldkey: hotkey,
    uid,
    stake: '1',
    axon: null,
  }));
  await read(
    { family: 'general_chat', run: 'run-7', phases, voters, reads: [], block: 111 },
    {
      commitments: async () => ({ known: true, value: commitments }),
      record: async (events) => void batches.push(events),
    },
  );
  return batches;
}

test.each([
  ['a read', readCommitments],
  ['the last attempt', missCommitments],
])('%s records the anchors beside the commitments, in one append', async (_title, read) => {
  const batches = await recordedFrom(
    [
      { hotkey: b, block: 103, fields: ['another text', anchorPayload(anchor(5))] },
      { hotkey: a, block: 105, fields: [scores, anchorPayload(anchor(9))] },
      { hotkey: a, block: 102, fields: [scores, anchorPayload(anchor(7))] },
    ],
    read,
  );
  expect(batches).toMatchObject([
    [
      { type: 'commitments.read.v1', data: { after: 100, upTo: 110, found: [{ hotkey: a }] } },
      {
        type: 'anchors.read.v1',
        data: {
          after: 100,
          upTo: 110,
          anchors: [
            { hotkey: a, block: 102, ...anchor(7) },
            { hotkey: a, block: 105, ...anchor(9) },
            { hotkey: b, block: 103, ...anchor(5) },
          ],
        },
      },
    ],
  ]);
});

test('second fields that are no anchors, and other blocks and hotkeys, are left out', async () => {
  const payload = anchorPayload(anchor(5));
  const [events] = await recordedFrom([
    { hotkey: a, block: 101, fields: [scores] },
    { hotkey: a, block: 102, fields: [scores, null] },
    { hotkey: a, block: 103, fields: [scores, `${payload}0`] },
    { hotkey: a, block: 104, fields: [payload, scores] },
    { hotkey: a, block: 111, fields: [scores, payload] },
    { hotkey: hotkeyOf('X'), block: 105, fields: [scores, payload] },
  ]);
  expect(events?.[1]).toMatchObject({ type: 'anchors.read.v1', data: { anchors: [] } });
});

test('of a hotkey that anchors in every block the first and the last count', async () => {
  const [events] = await recordedFrom(
    [101, 102, 103, 104].map((block) => ({
      hotkey: a,
      block,
      fields: [scores, anchorPayload(anchor(block))],
    })),
  );
  expect(events?.[1]).toMatchObject({ data: { anchors: [{ block: 101 }, { block: 104 }] } });
});
