import { expect, test } from 'vitest';
import type { Head } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import type { Message } from '#src/runtime/log-store.ts';
import { openLog } from '#src/runtime/open-log.ts';
import { readAll, sealedMessages } from '../support/log-drafts.ts';
import { flipBit } from '../support/sim-store.ts';
import type { Site } from './site.ts';

export function broken(openSite: () => Promise<Site>): void {
  const messages = sealedMessages(9);
  const hashes = messages.map(({ payload }) => leafHash(payload));
  const text = (content: string): Message => ({
    subject: 'validator.score.recorded.general_chat.run-1',
    payload: Buffer.from(content),
  });
  const foreign = Buffer.from(messages[4]?.payload ?? [])
    .toString()
    .replace('/36/', '/37/');
  const at4 = messages.slice(4, 5);
  const faults: Record<
    string,
    { stored: readonly Message[]; index: number; expectedPrev?: string }
  > = {
    'a hole': { stored: messages.toSpliced(4, 1), index: 4 },
    'a repeat': { stored: messages.toSpliced(4, 0, ...messages.slice(3, 4)), index: 4 },
    'a reordering': { stored: messages.toSpliced(4, 2, ...messages.slice(5, 6), ...at4), index: 4 },
    'bytes that no event has': { stored: messages.toSpliced(4, 1, text('{"n":4 }')), index: 4 },
    'an empty message': { stored: messages.toSpliced(4, 1, text('')), index: 4 },
    'an event of another log': { stored: messages.toSpliced(4, 1, text(foreign)), index: 4 },
    'an altered event': {
      stored: messages.map((message, index) => (index === 4 ? alterScore(message) : message)),
      index: 5,
      expectedPrev: leafHash(messages.slice(4, 5).map(alterScore)[0]?.payload ?? new Uint8Array()),
    },
  };

  test.for(Object.entries(faults))('%s stops the reader at its index', async ([, fault]) => {
    await using site = await openSite();
    const store = await site.store();
    await store.publish(fault.stored, 0);
    const expectedPrev = fault.expectedPrev ?? hashes[fault.index - 1];
    const stopped = { code: 'log.broken', details: { index: fault.index, expectedPrev } };
    await expect(readAll(logReader(store))).rejects.toMatchObject(stopped);
    await expect(readAll(logReader(store), { follow: true })).rejects.toMatchObject(stopped);
  });

  test('a reader whose last event is another one now, or is gone, stops', async () => {
    await using site = await openSite();
    const store = await site.store();
    await store.publish(messages, 0);
    const log = logReader(store);
    const elsewhere: Head = { size: 5, hash: hashes[3] ?? '' };
    await expect(readAll(log, { after: elsewhere })).rejects.toMatchObject({
      code: 'log.broken',
      details: { index: 4, expected: hashes[3], leaf: hashes[4] },
    });
    const beyond: Head = { size: 10, hash: hashes[8] ?? '' };
    await expect(readAll(log, { after: beyond })).rejects.toMatchObject({
      code: 'log.broken',
      details: { index: 9 },
    });
  });

  test('a log whose last event can not be read is neither opened nor has it a head', async () => {
    await using site = await openSite();
    const store = await site.store();
    const [first] = messages;
    if (first === undefined) throw new Error('no message');
    await store.publish([first, flipBit(first, 0, 1)], 0);
    const stopped = { code: 'log.broken', details: { index: 1 } };
    await expect(openLog(store)).rejects.toMatchObject(stopped);
    await expect(logReader(store).head()).rejects.toMatchObject(stopped);
  });
}

/** Another score: a well-formed event, but not the one that its successor names. */
function alterScore({ subject, payload }: Message): Message {
  const altered = Buffer.from(payload)
    .toString()
    .replace(/"score":4\b/, '"score":5');
  return { subject, payload: Buffer.from(altered) };
}
