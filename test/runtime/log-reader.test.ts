import { expect, test } from 'vitest';
import { AppError } from '#src/errors.ts';
import { EMPTY } from '#src/events/decode.ts';
import type { Head } from '#src/events/envelope.ts';
import { leafHash } from '#src/events/hash.ts';
import type { LogReader } from '#src/events/log.ts';
import { logReader } from '#src/runtime/log-reader.ts';
import type { LogStore, Message } from '#src/runtime/log-store.ts';
import { memoryDisk, memoryStore } from '#src/runtime/memory-store.ts';
import { indices, readAll, sealedMessages } from '../support/log-drafts.ts';
import { prng } from '../support/prng.ts';
import { SOURCE } from '../support/recorded-events.ts';
import { type Damage, damage, flipBit, noWait } from '../support/sim-store.ts';

const storeOf = (messages: readonly Message[]): LogStore =>
  memoryStore({ name: 'validator', source: SOURCE }, { ...memoryDisk(), messages: [...messages] });

/** A change of each byte of each of 300 events is some 130,000 readings. */
const EXHAUSTIVE_TIMEOUT_MS = 240_000;

test('every single changed byte of a log of 300 events is found, at its event or by the next one', {
  timeout: EXHAUSTIVE_TIMEOUT_MS,
}, async () => {
  const messages = sealedMessages(300);
  const heads = headsOf(messages);
  const random = prng('one changed byte');
  const undetected: string[] = [];
  for (const [index, message] of messages.entries()) {
    const before = heads[index] ?? EMPTY;
    const after = heads[index + 1] ?? EMPTY;
    // The reader stops at the event or at the next, so the log may as well end there.
    const disk = { ...memoryDisk(), messages: messages.slice(0, index + 2) };
    const log = logReader(memoryStore({ name: 'validator', source: SOURCE }, disk));
    for (let offset = 0; offset < message.payload.length; offset++) {
      const altered = flipBit(message, offset, 1 + Math.floor(random() * 255));
      disk.messages[index] = altered;
      const fault = await faultOf(log, before, after, leafHash(altered.payload));
      if (fault !== undefined) undetected.push(`event ${index}, byte ${offset}: ${fault}`);
    }
  }
  expect(undetected).toEqual([]);
});

/** Reads a log whose event behind `before` is altered; gives what is wrong with how that shows, if anything. */
async function faultOf(
  log: LogReader,
  before: Head,
  after: Head,
  leaf: string,
): Promise<string | undefined> {
  // Nothing follows the last event, so only who knows its hash can tell: a reader that was there.
  const error =
    (await outcome(readAll(log, { after: before }))) ?? (await outcome(readAll(log, { after })));
  if (error === undefined) return 'not found';
  const { index, expectedPrev, expected, leaf: found } = error.details;
  const named =
    (index === before.size && expectedPrev === before.hash && found === leaf) ||
    (index === before.size + 1 && expectedPrev === leaf) ||
    (index === before.size && expected === after.hash && found === leaf);
  return error.code === 'log.broken' && named ? undefined : `reported as ${error.message}`;
}

test('any flip, loss, repeat or exchange of stored events stops the reader at or next to its place', async () => {
  const random = prng('damage');
  for (let round = 0; round < 400; round++) {
    const kind = (['flip', 'drop', 'repeat', 'swap'] as const)[round % 4] ?? 'flip';
    // The last place is left out: there, a loss or a repeat shows only to who knows the head.
    const index = Math.floor(random() * 38);
    const harm: Damage = { kind, index };
    const disk = { ...memoryDisk(), messages: [...sealedMessages(40)] };
    damage(disk, harm);
    const error = await outcome(readAll(logReader(storeOf(disk.messages))));
    const expected = kind === 'repeat' ? index + 1 : index;
    expect(error, JSON.stringify(harm)).toMatchObject({
      code: 'log.broken',
      details: { index: expected },
    });
  }
});

test('a log that ends before the end that it states is broken there, for every reader', async () => {
  const store = storeOf(sealedMessages(20));
  const lying: LogStore = { ...store, size: async () => (await store.size()) + 1 };
  const stopped = { code: 'log.broken', details: { index: 20 } };
  await expect(readAll(logReader(lying))).rejects.toMatchObject(stopped);
  await expect(readAll(logReader(lying), { follow: true })).rejects.toMatchObject(stopped);
  await expect(logReader(lying).head()).rejects.toMatchObject(stopped);
});

test('a follower outlasts outages and tells each of them; a read to the head does not', async () => {
  const messages = sealedMessages(1_200);
  const told: string[] = [];
  const follower = logReader(flaky(storeOf(messages)), {
    wait: noWait,
    onRetry: ({ code }) => told.push(code),
  });
  const stop = new AbortController();
  const seen: (number | null)[] = [];
  const options = { after: EMPTY, follow: true, signal: stop.signal };
  for await (const batch of follower.read(options)) {
    seen.push(...indices(batch.events));
    if (seen.length === messages.length) stop.abort();
  }
  expect(seen).toEqual(messages.map((_, index) => index));
  expect(told).toEqual([
    'log.unavailable',
    'log.unavailable',
    'log.unavailable',
    'log.unavailable',
  ]);
  await expect(readAll(logReader(flaky(storeOf(messages))))).rejects.toMatchObject({
    code: 'log.unavailable',
  });
});

/** A store of which every other call fails. */
function flaky(store: LogStore): LogStore {
  let calls = 0;
  const sometimes = <T>(call: () => Promise<T>): Promise<T> =>
    calls++ % 2 === 0 ? Promise.reject(new AppError('log.unavailable')) : call();
  return {
    ...store,
    size: () => sometimes(store.size),
    fetch: (from, limit) => sometimes(() => store.fetch(from, limit)),
  };
}

function headsOf(messages: readonly Message[]): readonly Head[] {
  return [
    EMPTY,
    ...messages.map(({ payload }, index) => ({ size: index + 1, hash: leafHash(payload) })),
  ];
}

/** The error that the reading ends with, undefined when it ends without. */
async function outcome(reading: Promise<unknown>): Promise<AppError | undefined> {
  try {
    await reading;
    return undefined;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
