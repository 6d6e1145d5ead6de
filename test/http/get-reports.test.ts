import { expect, test } from 'vitest';
import { decodeBytes, encodeBytes, type Json } from '#src/events/ej1.ts';
import { startApp } from './client.ts';
import {
  alice,
  bob,
  charlie,
  emptyRun,
  FAMILY,
  fakeValidator,
  reportOf,
} from './fake-validator.ts';

const PATH = '/v1/consensus/reports/run-7';
const held = [
  reportOf(bob),
  reportOf(charlie),
  reportOf(charlie, 'run-7', { [bob]: 1 }),
  reportOf(alice),
];
const runs = { [`${FAMILY}/run-7`]: { ...emptyRun, reports: held } };

test('all held reports come in one EJ1 document, rivals of one hotkey included, byte for byte', async () => {
  await using app = await startApp(fakeValidator(runs));
  const reply = await app.ask(PATH);
  expect(decodeBytes(reply.body)).toEqual({
    family: FAMILY,
    reports: held.map(({ bytes }) => decodeBytes(bytes)),
    run: 'run-7',
  });
  for (const { bytes } of held) expect(reply.body.includes(Buffer.from(bytes))).toBe(true);
  expect(reply.headers['cache-control']).toBe('public, no-cache');
});

test('the index names digest and hotkey of each, in EJ1', async () => {
  await using app = await startApp(fakeValidator(runs));
  const reply = await app.ask(`${PATH}?view=index`);
  const expected: Json = {
    family: FAMILY,
    reports: held.map(({ digest, hotkey }) => ({ digest, hotkey })),
    run: 'run-7',
  };
  expect(reply.body).toEqual(encodeBytes(expected));
});

test('every digest of the index gives its report as the very bytes that were signed', async () => {
  await using app = await startApp(fakeValidator(runs));
  for (let times = 0; times < 2; times++) {
    for (const { digest, bytes } of held) {
      const reply = await app.ask(`${PATH}?digest=${digest}`);
      expect(reply.body).toEqual(bytes);
      expect(reply.headers['cache-control']).toContain('immutable');
    }
  }
});

test('a digest that no report has is 404, and so is one of another run or family', async () => {
  const other = reportOf(bob, 'run-8');
  await using app = await startApp(
    fakeValidator({ ...runs, [`${FAMILY}/run-8`]: { ...emptyRun, reports: [other] } }),
  );
  expect((await app.ask(`/v1/consensus/reports/run-8?digest=${other.digest}`)).status).toBe(200);
  const reply = await app.ask(`${PATH}?digest=${other.digest}`);
  expect(reply.status).toBe(404);
  expect(reply.json()).toMatchObject({ field: 'digest', reason: 'unknown-digest' });
  const elsewhere = await app.ask(`${PATH}?family=other&digest=${held[0]?.digest}`);
  expect(elsewhere.json()).toMatchObject({ status: 404, reason: 'unknown-run' });
});

test('a sealed run shows neither reports nor their digests', async () => {
  await using app = await startApp(
    fakeValidator({ [`${FAMILY}/run-7`]: { ...emptyRun, sealedUntil: 50, reports: held } }),
  );
  for (const query of ['', '?view=index', `?digest=${held[0]?.digest}`]) {
    const reply = await app.ask(PATH + query);
    expect([query, reply.status]).toEqual([query, 425]);
    expect(reply.json()).toMatchObject({ untilBlock: 50 });
    for (const { digest } of held) expect(reply.json()).not.toMatchObject({ digest });
  }
});

test('a run without reports is an empty list, which is not an unknown run', async () => {
  await using app = await startApp(fakeValidator({ [`${FAMILY}/run-7`]: emptyRun }));
  expect((await app.ask(PATH)).text).toBe('{"family":"general_chat","reports":[],"run":"run-7"}');
  expect((await app.ask('/v1/consensus/reports/run-8')).status).toBe(404);
});

test('a malformed view or digest, or both at once, is refused by name', async () => {
  await using app = await startApp(fakeValidator(runs));
  const digest = held[0]?.digest ?? '';
  const cases = [
    ['view=all', 'view'],
    ['view=', 'view'],
    [`digest=${digest.toUpperCase()}`, 'digest'],
    [`digest=${digest.slice(1)}`, 'digest'],
    [`digest=${digest}&view=index`, 'view'],
  ] as const;
  for (const [query, field] of cases) {
    const reply = await app.ask(`${PATH}?${query}`);
    expect([query, reply.status]).toEqual([query, 400]);
    expect(reply.json()).toMatchObject({ field });
  }
});
